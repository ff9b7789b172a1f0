// A replay of background loss: VIPs in which nothing happens but background loss, and what their watch makes of it.
//
// A flow breaks when three exchanges in a row are lost: at a loss of p that is 2 p^3 (1 - p) breaks a second and flow, so breaks are drawn
// by their waiting times. The seconds around each break are played whole, with the losses of held flows and fresh dials in their tallies;
// the quiet ones in between, in which nobody breaks, are passed over, or played too (`playsAll`) for the rules that look at dials alone.
import { Watch } from '../../src/analysis/monitor/watch.ts';
import { seededRandom } from '../../src/core/random.ts';
import { aMonitorContext, INTERVAL_MS, Scribe } from './a-monitored-network.ts';

export type BackgroundLoss = {
  vips: number;
  days: number;
  lossShare: number;
  seed: number;
  /** Held by each of two vantages and protocols, over three nodes. */
  flows?: number;
  playsAll?: boolean;
};

const VANTAGES = ['v1', 'v2'] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
const NODES = ['n1', 'n2', 'n3'] as const;
const FRESH_DIALS = 8;
const LOST_IN_A_ROW = 3;
/** Longer than any rule looks back at breaks or dials. */
const AROUND_S = 25;

export function falsePages(network: BackgroundLoss): { breaks: number; findings: number; pages: number } {
  const sum = { breaks: 0, findings: 0, pages: 0 };
  for (let vip = 0; vip < network.vips; vip += 1) {
    const counts = watchOne(network, network.seed * 10_007 + vip);
    sum.breaks += counts.breaks;
    sum.findings += counts.findings;
    sum.pages += counts.pages;
  }
  return sum;
}

type Seat = { vantage: string; protocol: string; node: string; flow: string };

function watchOne(
  { days, lossShare, flows = 64, playsAll = false }: BackgroundLoss,
  seed: number,
): { breaks: number; findings: number; pages: number } {
  const random = seededRandom(seed);
  const context = aMonitorContext({ vips: 1, nodes: NODES.length, vantages: VANTAGES.length, flows });
  const [vip] = context.environment.vips;
  if (!vip) throw new Error('no VIP');
  const watch = new Watch(context);
  const scribe = new Scribe();
  scribe.set(0, vip, NODES, true);
  const anyNode = () => NODES[Math.floor(random() * NODES.length)] ?? 'n1';
  const seats: Seat[] = VANTAGES.flatMap((vantage) =>
    PROTOCOLS.flatMap((protocol) =>
      Array.from({ length: flows }, () => {
        const node = anyNode();
        return { vantage, protocol, node, flow: scribe.open(100, { vantage, vip: vip.name, protocol, node }) };
      }),
    ),
  );
  const ratePerSec = seats.length * (1_000 / INTERVAL_MS) * lossShare ** LOST_IN_A_ROW * (1 - lossShare);
  const nextBreak = (after: number) => after - Math.log(1 - random()) / ratePerSec;
  const counts = { breaks: 0, findings: 0, pages: 0 };
  const seen = new Set<string>();
  const endS = days * 86_400;
  let breakS = nextBreak(5);
  let second = 1;
  while (second < endS) {
    if (!playsAll && breakS - second > 2 * AROUND_S) second = Math.min(Math.ceil(endS), Math.floor(breakS - AROUND_S));
    while (breakS < second) {
      breakOne(seats[Math.floor(random() * seats.length)], breakS * 1_000);
      counts.breaks += 1;
      breakS = nextBreak(breakS);
    }
    tallySecond(second);
    watch.take(scribe.take());
    for (const { id, severity } of watch.advance(second * 1_000)) {
      if (!seen.has(id)) counts.findings += 1;
      if (severity === 'page' && !seen.has(`page ${id}`)) counts.pages += 1;
      seen.add(id);
      if (severity === 'page') seen.add(`page ${id}`);
    }
    second += 1;
  }
  return counts;

  function breakOne(seat: Seat | undefined, t: number): void {
    if (!seat || !vip) return;
    const { vantage, protocol, node } = seat;
    const onsetT = t - LOST_IN_A_ROW * INTERVAL_MS;
    scribe.add(t, `prober:${vantage}`, 'flow.broken', {
      flow: seat.flow,
      breakCause: 'stalled',
      onsetT,
      lastOkT: onsetT - INTERVAL_MS,
      evidence: '',
    });
    if (protocol === 'udp') {
      const identity = { ingress: node, backend: `${vip.name}-${node}`, backendNode: node, boot: 'b', observedSource: '10.77.1.2' };
      scribe.add(t + INTERVAL_MS, `prober:${vantage}`, 'flow.recovered', { flow: seat.flow, ...identity });
      return;
    }
    seat.node = anyNode();
    seat.flow = scribe.open(t + 20, { vantage, vip: vip.name, protocol, node: seat.node, replaces: seat.flow });
  }

  function tallySecond(at: number): void {
    if (!vip) return;
    const t = at * 1_000;
    const bin = at - 3;
    const lostOf = (n: number) => {
      let lost = 0;
      for (let each = 0; each < n; each += 1) if (random() < lossShare) lost += 1;
      return lost;
    };
    for (const vantage of VANTAGES) {
      for (const protocol of PROTOCOLS) {
        const dials: Record<string, number> = {};
        let lostDials = 0;
        for (let dial = 0; dial < FRESH_DIALS; dial += 1) {
          const node = anyNode();
          if (random() < lossShare) lostDials += 1;
          else dials[node] = (dials[node] ?? 0) + 1;
        }
        if (lostDials > 0)
          scribe.tally(t, { vantage, vip: vip.name, protocol, path: 'unknown' }, { bin, ok: 0, lost: lostDials, fresh: true });
        for (const path of NODES) {
          const own = seats.filter((seat) => seat.vantage === vantage && seat.protocol === protocol && seat.node === path).length;
          const exchanges = own * (1_000 / INTERVAL_MS);
          const lost = lostOf(exchanges);
          if (exchanges > 0) scribe.tally(t, { vantage, vip: vip.name, protocol, path }, { bin, ok: exchanges - lost, lost });
          if (dials[path]) scribe.tally(t, { vantage, vip: vip.name, protocol, path }, { bin, ok: dials[path], fresh: true });
        }
      }
    }
  }
}
