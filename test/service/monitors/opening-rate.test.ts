// How many flows a vantage may tell as opened: no honest prober's chunk is refused, and no agent opens and closes flows without end.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FIRST_FLOWS_PER_SECOND, replacementsPerSecond } from '../../../src/core/control.ts';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { Gate } from '../../../src/prober/gate.ts';
import { ChunkBounds } from '../../../src/service/monitors/chunk-bounds.ts';
import { planMonitor } from '../../../src/service/monitors/monitor-plan.ts';
import { aCatalogue, aMonitorSpec } from './support/a-monitor.ts';

const TICK_MS = 10;
const UNDER_WAY = 8_192;

/** One life of a prober whose every flow breaks as soon as it is open. Times are on the session's clock, as its agent knows it. */
type Life = {
  startT: number;
  lastsMs: number;
  /** For so long, from half of its life on, nothing is answered: all that was dialled meanwhile is told at once. */
  frozenMs: number;
};

/** What the prober tells of its flows, through gates like its own. */
async function flapping(count: number, { startT, lastsMs, frozenMs }: Life, life: number): Promise<JournalEvent[]> {
  const gates = {
    ramp: new Gate({ perSecond: FIRST_FLOWS_PER_SECOND, maxUnderWay: 512 }),
    repair: new Gate({ perSecond: replacementsPerSecond(count), maxUnderWay: UNDER_WAY }),
  };
  const events: JournalEvent[] = [];
  let nowT = startT;
  let flows = 0;
  const frozenFromT = startT + lastsMs / 2;
  const say = (event: object) => {
    const t = nowT >= frozenFromT && nowT < frozenFromT + frozenMs ? frozenFromT + frozenMs : nowT;
    events.push({ t, from: 'prober:v1', seq: events.length, ...event } as JournalEvent);
  };
  const hold = async () => {
    for (let replaces: string | undefined; nowT < startT + lastsMs;) {
      await (replaces === undefined ? gates.ramp : gates.repair).pass(() => Promise.resolve());
      const flow = `v1/${String(life)}/${String(flows++)}`;
      say({ type: 'flow.opened', flow, protocol: 'tcp', vip: 'web', ingress: 'n1', ...(replaces !== undefined && { replaces }) });
      say({ type: 'flow.broken', flow, breakCause: 'reset', onsetT: nowT, lastOkT: null, evidence: '' });
      replaces = flow;
    }
  };
  const holding = Array.from({ length: count }, () => hold());
  // Past its end those who wait still for a gate are let through, one each, and go.
  for (let isOver = false; !isOver; nowT += TICK_MS) {
    gates.ramp.tick(nowT);
    gates.repair.tick(nowT);
    isOver = await Promise.race([Promise.all(holding).then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
  }
  return events;
}

function boundsFor(count: number): ChunkBounds {
  return new ChunkBounds(planMonitor(aMonitorSpec({ flows: [{ probe: 'tcp-hold', vip: 'web', vantages: 'all', count }] }), aCatalogue()));
}

/** @returns the first complaint about one of the chunks, each taken when there is none */
function complaintAbout(bounds: ChunkBounds, events: readonly JournalEvent[], { chunk, watched }: { chunk: number; watched: number }) {
  for (let from = 0; from < events.length; from += chunk) {
    const part = events.slice(from, from + chunk);
    const complaint = bounds.complaint('v1', part, watched);
    if (complaint !== null) return complaint;
    bounds.follow(part);
  }
  return null;
}

test('no honest prober’s chunk is refused, however its flows flap, its lives follow one another and its clock is corrected', async () => {
  const life = fc.record({
    clockMs: fc.integer({ min: -60_000, max: 60_000 }),
    lastsMs: fc.integer({ min: 100, max: 800 }),
    frozenMs: fc.integer({ min: 0, max: 1_500 }),
  });
  const chunk = fc.constantFrom(7, 500, 20_000);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3_000 }),
      fc.array(life, { minLength: 1, maxLength: 4 }),
      chunk,
      async (count, lives, chunk) => {
        const bounds = boundsFor(count);
        let startT = 60_000;
        for (const [index, { clockMs, ...rest }] of lives.entries()) {
          const events = await flapping(count, { ...rest, startT: startT + clockMs }, index);
          expect(complaintAbout(bounds, events, { chunk, watched: count })).toBeNull();
          startT += rest.lastsMs + 1_000;
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('nor when its clock goes back by all that is believed of clocks, and every flow flaps for minutes', async () => {
  const bounds = boundsFor(8);
  const before = await flapping(8, { startT: 180_000, lastsMs: 1_000, frozenMs: 0 }, 1);
  const after = await flapping(8, { startT: 60_000, lastsMs: 150_000, frozenMs: 0 }, 2);
  expect(after.length).toBeGreaterThan(2 * 150_000);
  for (const events of [before, after]) expect(complaintAbout(bounds, events, { chunk: 20_000, watched: 8 })).toBeNull();
}, 60_000);

test('no agent is believed to open and close flows without end, wherever in time it puts them', () => {
  const times = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(times, (times) => {
      const bounds = boundsFor(8);
      let taken = 0;
      let seq = 0;
      for (let round = 0; round < 45; round += 1) {
        const t = times[round % times.length] ?? 0;
        const pairs = Array.from({ length: 10_000 }, (_, index) => {
          const about = { t, from: 'prober:v1', flow: `v1/${String(round)}/${String(index)}` };
          return [
            { ...about, seq: seq++, type: 'flow.opened', protocol: 'tcp', vip: 'web', ingress: 'n1' },
            { ...about, seq: seq++, type: 'flow.closed' },
          ] as JournalEvent[];
        }).flat();
        const complaint = bounds.complaint('v1', pairs, 0);
        if (complaint === null) {
          bounds.follow(pairs);
          taken += 10_000;
        } else expect(complaint).toMatch(/it tells of more than \d+ flows opened a second, and 8 were ordered/);
      }
      expect(taken).toBeLessThan(350_000);
    }),
    { numRuns: 3 },
  );
});
