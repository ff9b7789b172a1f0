// A network of VIPs watched for months: healthy but for background loss, told as the probers of a monitor tell it.
//
// Exchanges are lost independently. A second without a break is one tally a path; only flows that lose three exchanges in a row break,
// so months are drawn by the waiting time from one break to the next and not exchange by exchange.
import type { WatchContext } from '../../src/analysis/monitor/context.ts';
import type { EventType, JournalEvent } from '../../src/core/journal.ts';

export const INTERVAL_MS = 500;

export type Network = { vips: number; nodes: number; vantages: number; flows: number };

export function aMonitorContext({ vips, nodes, vantages, flows }: Network): WatchContext {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1)}`);
  const probe = (protocol: string) => ({
    title: protocol,
    protocol,
    intervalMs: INTERVAL_MS,
    timeoutMs: INTERVAL_MS,
    stallAfterMs: 3 * INTERVAL_MS,
    payloadBytes: 64,
    freshDialsPerSec: 8,
  });
  return {
    monitor: 'all-day',
    session: 's1',
    t0WallMs: 1_700_000_000_000,
    environment: {
      name: 'big',
      title: 'Big',
      lab: null,
      vantages: names('v', vantages).map((name) => ({ name, netns: null, addresses: ['10.77.1.2'] })),
      vips: names('web', vips).map((name, index) => ({
        name,
        address: `10.77.${String(200 + Math.floor(index / 250))}.${String((index % 250) + 1)}`,
        family: 4,
        port: 7000,
        policy: 'local',
        service: null,
      })),
      nodes: names('n', nodes).map((name, index) => ({
        name,
        netns: null,
        addresses: [`10.77.0.${String(index + 11)}`],
        podCidrs: [],
        uplink: null,
      })),
      routers: [],
      cluster: null,
      keeperSocket: null,
      observers: ['routes'],
    },
    probes: { 'tcp-hold': probe('tcp'), 'udp-twin': probe('udp') },
    flows: names('web', vips).flatMap((vip) => [
      { probe: 'tcp-hold', vip, vantages: 'all' as const, count: flows },
      { probe: 'udp-twin', vip, vantages: 'all' as const, count: flows },
    ]),
  };
}

/** Writes its events; numbers them by writer. */
export class Scribe {
  #seq = 0;
  #flows = 0;
  #batch: JournalEvent[] = [];

  add(t: number, from: string, type: EventType, fields: object): void {
    this.#batch.push({ t, from, seq: this.#seq, type, ...fields } as unknown as JournalEvent);
    this.#seq += 1;
  }

  open(t: number, about: { vantage: string; vip: string; protocol: string; node: string; replaces?: string }): string {
    const { vantage, vip, protocol, node, replaces } = about;
    this.#flows += 1;
    const flow = `${vantage}/${String(this.#flows)}`;
    const seen = { ingress: node, backend: `${vip}-${node}`, backendNode: node, boot: 'b', observedSource: '10.77.1.2' };
    const own = {
      flow,
      probe: protocol === 'udp' ? 'udp-twin' : 'tcp-hold',
      protocol,
      sourceAddress: '10.77.1.2',
      sourcePort: 20_000 + (this.#flows % 40_000),
      vip,
      port: 7000,
    };
    this.add(t, `prober:${vantage}`, 'flow.opened', { ...own, ...seen, rttMs: 1, ...(replaces !== undefined && { replaces }) });
    return flow;
  }

  set(t: number, { address }: { address: string }, nodes: readonly string[], settled: boolean): void {
    const nextHops = nodes.map((node) => ({ address: node, node }));
    this.add(t, 'observer:tor', 'next-hops', { observer: 'routes', router: 'tor', prefix: `${address}/32`, nextHops, settled });
  }

  tally(
    t: number,
    about: { vantage: string; vip: string; protocol: string; path: string },
    counts: { bin: number; ok: number; lost?: number; fresh?: boolean },
  ): void {
    const { bin, ok, lost = 0, fresh = false } = counts;
    const tally = { scheduled: ok + lost, ok, late: 0, lost, notSent: 0, invalid: 0 };
    this.add(t, `prober:${about.vantage}`, 'tally', { ...about, bin, ...tally, ...(fresh && { fresh }), rtt: ok > 0 ? { '233': ok } : {} });
  }

  take(): JournalEvent[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}
