import { expect, test } from 'vitest';
import { Watch } from '../../../src/analysis/monitor/watch.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { falsePages } from '../../support/background-loss.ts';
import { aMonitorContext, Scribe } from '../../support/a-monitored-network.ts';

const HOUR_S = 3_600;

test('in 24 hours of flows that break, move and are replaced, and of sets that change, memory stays flat', () => {
  const context = aMonitorContext({ vips: 1, nodes: 3, vantages: 2, flows: 16 });
  const watch = new Watch(context);
  const scribe = new Scribe();
  const random = seededRandom(5);
  const [vip] = context.environment.vips;
  if (!vip) throw new Error('no VIP');
  const nodes = ['n1', 'n2', 'n3'];
  const seats: { vantage: string; flow: string; node: string; protocol: string }[] = [];
  scribe.set(0, vip, nodes, true);
  for (const vantage of ['v1', 'v2']) {
    for (const protocol of ['tcp', 'udp']) {
      for (let seat = 0; seat < 16; seat += 1) {
        const node = nodes[seat % 3] ?? '';
        seats.push({ vantage, protocol, node, flow: scribe.open(100, { vantage, vip: 'web1', protocol, node }) });
      }
    }
  }
  const sizes: number[] = [];
  let findings = 0;
  // A step is ten seconds: what is counted is what is kept, not how fast.
  for (let second = 10; second <= 24 * HOUR_S; second += 10) {
    const t = second * 1_000;
    const isAway = Math.floor(second / 600) % 2 === 1;
    if (second % 600 === 0) scribe.set(t - 900, vip, isAway ? ['n1', 'n3'] : nodes, false);
    for (const seat of seats) {
      const mustMove = isAway && seat.node === 'n2';
      if (!mustMove && random() > 0.002) continue;
      const node = isAway ? 'n1' : (nodes[Math.floor(random() * 3)] ?? '');
      const from = `prober:${seat.vantage}`;
      if (seat.protocol === 'udp') {
        const identity = { ingress: node, backend: `web1-${node}`, backendNode: node, boot: 'b', observedSource: '10.77.1.2' };
        scribe.add(t - 800, from, 'flow.changed', { flow: seat.flow, ...identity });
      } else {
        scribe.add(t - 800, from, 'flow.broken', { flow: seat.flow, breakCause: 'reset', onsetT: t - 800, lastOkT: t - 900, evidence: '' });
        seat.flow = scribe.open(t - 780, { vantage: seat.vantage, vip: 'web1', protocol: 'tcp', node, replaces: seat.flow });
      }
      seat.node = node;
    }
    for (const vantage of ['v1', 'v2']) {
      for (const path of isAway ? ['n1', 'n3'] : nodes)
        scribe.tally(t, { vantage, vip: 'web1', protocol: 'tcp', path }, { bin: second - 3, ok: 20 });
    }
    if (second % 700 === 0)
      scribe.add(t - 100, 'prober:v2', 'prober.ill', { vantage: 'v2', fromT: t - 300, untilT: t - 100, why: 'stood still' });
    watch.take(scribe.take());
    findings += watch.advance(t).length;
    if (second % HOUR_S === 0) sizes.push(watch.size);
  }
  expect(findings).toBeGreaterThan(200);
  const [, second = 0] = sizes;
  for (const size of sizes.slice(2)) expect(size).toBeLessThan(1.25 * second);
  expect(JSON.stringify(watch.snapshot()).length).toBeLessThan(400_000);
});

test('background loss of 0.1 % makes no false page: 100 VIPs in 9 days, and a VIP with few flows second by second', () => {
  const { breaks, pages, findings } = falsePages({ vips: 100, days: 9, lossShare: 1e-3, seed: 1 });
  expect(falsePages({ vips: 1, days: 0.02, lossShare: 1e-3, seed: 2, flows: 1, playsAll: true })).toMatchObject({ pages: 0, findings: 0 });
  expect(breaks).toBeGreaterThan(0);
  expect({ pages, findings }).toEqual({ pages: 0, findings: 0 });
});

test('the same network is paged for when a path is lost: the count above is not blind', () => {
  expect(falsePages({ vips: 2, days: 0.002, lossShare: 0.2, seed: 1 }).findings).toBeGreaterThan(0);
});
