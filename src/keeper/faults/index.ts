// The faults that exist: schema, plan, keeper and contract suite follow this list.
import { bgpSessionDown } from './bgp-session-down.ts';
import type { Fault } from './fault.ts';
import { nodeDown } from './node-down.ts';
import { nodeDrain } from './node-drain.ts';

export const FAULTS: readonly [Fault, ...Fault[]] = [bgpSessionDown, nodeDrain, nodeDown];
