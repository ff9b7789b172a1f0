// What an agent is willing to hold: its own file decides, whatever an order says and whoever signed it.
import { canonicalAddress, isInPrefix } from '../core/addresses.ts';
import type { AllowList } from '../core/agent-file.ts';
import type { HoldingOrder } from '../core/agent-messages.ts';
import type { Population } from '../core/control.ts';
import { MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES } from '../core/probe-file.ts';

/** A holding of an order, and why it is refused; null when it may be held. */
export type Admission = { holding: HoldingOrder; refusal: string | null };

type Load = { flows: number; exchangesPerSec: number; freshDialsPerSec: number };

/** A flow that is silent this long is dialled anew: shorter, and a dead VIP would be hammered. */
const MIN_STALL_MS = 100;

/** Each holding of an order, whole or not at all, in the order's own sequence: one that does not fit beside those before it is refused. */
export function admitted(holdings: readonly HoldingOrder[], allow: AllowList): Admission[] {
  const seen = new Set<string>();
  let load: Load = { flows: 0, exchangesPerSec: 0, freshDialsPerSec: 0 };
  return holdings.map((holding) => {
    const together = sum(load, loadOf(holding));
    const refusal = seen.has(holding.monitor)
      ? `the monitor ${holding.monitor} is named twice`
      : (addressRefusal(holding) ??
        holding.populations.map((each) => populationRefusal(each, allow)).find(isText) ??
        excess(together, allow));
    seen.add(holding.monitor);
    if (refusal === null) load = together;
    return { holding, refusal };
  });
}

function populationRefusal({ vip, count, ...population }: Population, allow: AllowList): string | null {
  const where = `${vip.address} port ${String(vip.port)}`;
  const { intervalMs, timeoutMs, stallAfterMs, payloadBytes, freshDialsPerSec } = population;
  if (canonicalAddress(vip.address) !== vip.address) return `${JSON.stringify(vip.address)} is no address`;
  if (!allow.cidrs.some((cidr) => isInPrefix(vip.address, cidr))) return `${where}: outside allow.cidrs`;
  if (!allow.ports.some(({ from, until }) => from <= vip.port && vip.port <= until)) return `${where}: outside allow.ports`;
  if (allow.vips?.some(({ address, port }) => address === vip.address && port === vip.port) === false)
    return `${where}: not among allow.vips`;
  if (!(intervalMs >= allow.minInterval)) return `an interval of ${String(intervalMs)} ms: below allow.minInterval`;
  if (!(stallAfterMs >= Math.max(MIN_STALL_MS, allow.minInterval))) return `stalled after ${String(stallAfterMs)} ms: too short`;
  if (!(timeoutMs > 0 && timeoutMs <= stallAfterMs)) return `a timeout of ${String(timeoutMs)} ms: expected at most stallAfter`;
  if (!(payloadBytes >= MIN_PAYLOAD_BYTES && payloadBytes <= MAX_PAYLOAD_BYTES)) return `a payload of ${String(payloadBytes)} bytes`;
  if (count < 1 || freshDialsPerSec < 0) return 'a number of flows or dials that makes no sense';
  return null;
}

/** Addresses that a prober would stumble over: of its own, and those by which it names nodes. */
function addressRefusal({ sourceAddresses, nodes }: HoldingOrder): string | null {
  const wrong = [...sourceAddresses, ...nodes.flatMap((node) => node.addresses)].find((text) => canonicalAddress(text) !== text);
  return wrong === undefined ? null : `${JSON.stringify(wrong)} is no address`;
}

function excess(load: Load, allow: AllowList): string | null {
  const limits = [
    ['flows', load.flows, allow.maxFlows, 'maxFlows'],
    ['exchanges a second', load.exchangesPerSec, allow.maxExchangesPerSec, 'maxExchangesPerSec'],
    ['fresh dials a second', load.freshDialsPerSec, allow.maxFreshDialsPerSec, 'maxFreshDialsPerSec'],
  ] as const;
  for (const [what, wanted, most, limit] of limits) {
    if (!(wanted <= most))
      return `${String(Math.ceil(wanted))} ${what} together with the monitors before it: above allow.${limit} (${String(most)})`;
  }
  return null;
}

/** As the prober does it: of all populations with one VIP and protocol the briskest dials. */
function loadOf({ populations }: HoldingOrder): Load {
  const dials = new Map<string, number>();
  for (const { vip, protocol, freshDialsPerSec } of populations) {
    const account = `${vip.name} ${protocol}`;
    dials.set(account, Math.max(freshDialsPerSec, dials.get(account) ?? 0));
  }
  return {
    flows: populations.reduce((total, { count }) => total + count, 0),
    exchangesPerSec: populations.reduce((total, { count, intervalMs }) => total + (count * 1_000) / intervalMs, 0),
    freshDialsPerSec: [...dials.values()].reduce((total, perSec) => total + perSec, 0),
  };
}

function sum(a: Load, b: Load): Load {
  return {
    flows: a.flows + b.flows,
    exchangesPerSec: a.exchangesPerSec + b.exchangesPerSec,
    freshDialsPerSec: a.freshDialsPerSec + b.freshDialsPerSec,
  };
}

function isText(refusal: string | null): refusal is string {
  return refusal !== null;
}
