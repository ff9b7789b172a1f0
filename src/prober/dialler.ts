// What every dial of a prober needs: source ports, the shared socket tools, and the prober's own health.
import { familyOf } from '../core/addresses.ts';
import type { Population } from '../core/control.ts';
import { dial, type DialOutcome } from './dial.ts';
import type { Protocol, Target, Tools } from './protocols/protocol.ts';
import { type PortRange, SourcePorts } from './source-ports.ts';

/** Long enough for a SYN that was lost once (its first retransmission comes after 1 s). */
export const DIAL_LIMIT_MS = 1_500;

export type DiallerOptions = {
  tools: Tools;
  range: PortRange;
  random: () => number;
  /** Of each family only the first is dialled from. */
  sourceAddresses: readonly string[];
  stoodStillMs: (fromMs: number) => number;
};

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #ports = new Map<Protocol, SourcePorts>();
  #flows = 0;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  nextFlow(): number {
    this.#flows += 1;
    return this.#flows;
  }

  /** A 5-tuple never used before, as far as ports last; null when there are none. */
  freshTarget(protocol: Protocol, population: Population, flow: number): Target | null {
    const sourcePort = this.portsOf(protocol).take();
    if (sourcePort === null) return null;
    const { vip, intervalMs, payloadBytes } = population;
    const sourceAddress = sourceAddressTo(vip.address, this.#options.sourceAddresses);
    return { address: vip.address, port: vip.port, sourceAddress, sourcePort, flow, intervalMs, payloadBytes };
  }

  dial(protocol: Protocol, target: Target, limits: { timeoutMs?: number; signal: AbortSignal }): Promise<DialOutcome> {
    const { tools, stoodStillMs } = this.#options;
    return dial(protocol, target, tools, { timeoutMs: limits.timeoutMs ?? DIAL_LIMIT_MS, signal: limits.signal, stoodStillMs });
  }

  portsOf(protocol: Protocol): SourcePorts {
    let ports = this.#ports.get(protocol);
    if (!ports) {
      ports = new SourcePorts(this.#options.range, this.#options.random());
      this.#ports.set(protocol, ports);
    }
    return ports;
  }
}

/** The address that a VIP is dialled from; null: the kernel's choice. */
export function sourceAddressTo(vip: string, sourceAddresses: readonly string[]): string | null {
  const family = familyOf(vip);
  return sourceAddresses.find((address) => familyOf(address) === family) ?? null;
}
