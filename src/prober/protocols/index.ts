// The protocols that exist: the one list that the probe schema, the prober and the contract suite read.
import type { Protocol } from './protocol.ts';
import { tcp } from './tcp.ts';
import { udp } from './udp.ts';

export const PROTOCOLS: readonly [Protocol, ...Protocol[]] = [tcp, udp];

/** Names for the probe-file schema, at least one. */
export const PROTOCOL_NAMES: readonly [string, ...string[]] = [tcp.name, udp.name];
