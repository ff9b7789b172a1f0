// An agent whose token was stolen cannot fill the memory; whatever an honest one lives through is taken.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Chunk } from '../../../src/core/agent-messages.ts';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { aJournal } from '../../support/a-journal.ts';
import { Bench } from './support/a-bench.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open(); // four flows over each of two protocols: 8 a vantage
  bench.clock.step(600_000);
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const [aFlow] = aJournalOfOne();
function aJournalOfOne(): JournalEvent[] {
  const journal = aJournal();
  journal.flow();
  return journal.sorted().filter(({ type }) => type === 'flow.opened');
}

let life = 0;
/** Events of a life of the prober of `v1`, numbered. */
function told(events: readonly object[], fields: Partial<Chunk> = {}): Partial<Chunk> {
  const { firstSeq = 0 } = fields;
  life += 1;
  const numbered = events.map((event, index) => ({ t: 1_000, from: 'prober:v1', ...event, seq: firstSeq + index }) as JournalEvent);
  return { stream: `life-${String(life)}`, events: numbered, ...fields };
}
const opened = (flow: string, fields: object = {}) => ({ ...aFlow, flow: `v1/${flow}`, ...fields });
const broken = (flow: string) => ({
  type: 'flow.broken',
  flow: `v1/${flow}`,
  breakCause: 'reset',
  onsetT: 900,
  lastOkT: 800,
  evidence: 'a test',
});
const many = (count: number, make: (index: number) => object | object[]) => Array.from({ length: count }, (_, index) => make(index)).flat();

describe('refused is', () => {
  test('a vantage that opens flows far beyond what was ordered', async () => {
    await bench.send('a1', told(many(1_000, (index) => opened(`a/${String(index)}`))));
    const more = told(many(100, (index) => opened(`a/more-${String(index)}`)));
    await expect(bench.send('a1', more)).rejects.toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: expect.stringMatching(/holds 1100 flows, and 8 were ordered/) as string,
      }),
    );
    // The other vantage suffers nothing.
    await bench.send('a2', { events: [] });
  });

  test('also over a restart, in streams without end, and in lives that take turns', async () => {
    const flood = async (of: (round: number) => string, fields: (round: number) => Partial<Chunk>) => {
      for (let round = 0; round < 12; round += 1) {
        if (round === 5) await bench.restart();
        const events = many(200, (index) => opened(`${of(round)}/${String(round)}-${String(index)}`, { protocol: 'udp' }));
        await bench.send('a1', told(events, fields(round)));
      }
    };
    await expect(
      flood(
        () => 'same',
        () => ({}),
      ),
    ).rejects.toThrow(/it holds \d+ flows/);
    await bench.restart({ machineBoot: 'boot-2' });
    bench.clock.step(600_000);
    const positions = [0, 0];
    await expect(
      flood(
        (round) => `turn-${String(round % 2)}`,
        (round) => {
          const firstSeq = positions[round % 2] ?? 0;
          positions[round % 2] = firstSeq + 200;
          return { stream: `turn-${String(round % 2)}`, firstSeq };
        },
      ),
    ).rejects.toThrow(/it holds \d+ flows/);
  });

  test('a vantage that claims to close or replace what it never opened', async () => {
    const lies = (round: number) =>
      many(600, (index) => [opened(`a/${String(round)}-${String(index)}`), { type: 'flow.closed', flow: `v1/none/${String(index)}` }]);
    await bench.send('a1', told(lies(1)));
    await bench.send('a1', told(lies(2)));
    await expect(bench.send('a1', told(lies(3)))).rejects.toThrow(/it holds 1200 flows/);
    await expect(bench.send('a1', told([opened('a/more', { replaces: 'v1/none' })]))).rejects.toThrow(/it holds 1200 flows/);
  });

  test('a vantage that names nodes without end', async () => {
    const named = (from: number, count: number) => many(count, (index) => opened(`n/1`, { ingress: `n-${String(from + index)}` }));
    await bench.send('a1', told(named(0, 200)));
    await expect(bench.send('a1', told(named(200, 100)))).rejects.toThrow(/names 300 ingress nodes in a day, and its environment 3/);
    await bench.send('a1', told(named(100, 100)));
  });
});

describe('taken is', () => {
  test('every flow breaking again and again, each replaced', async () => {
    let current = many(1_000, (index) => opened(`a/${String(index)}`));
    await bench.send('a1', told(current, { stream: 'one' }));
    let firstSeq = current.length;
    for (let round = 1; round < 6; round += 1) {
      const before = current as { flow: string }[];
      const breaks = before.map(({ flow }) => broken(flow.slice(3)));
      current = before.map(({ flow }, index) => opened(`a/${String(round)}-${String(index)}`, { replaces: flow }));
      const events = [...breaks, ...current];
      const answer = await bench.send('a1', told(events, { stream: 'one', firstSeq }));
      firstSeq += events.length;
      expect(answer.nextSeq).toBe(firstSeq);
    }
  });

  test('a prober that was restarted many times, and its lives again that came before', async () => {
    const lives = many(20, (index) => [told(many(500, (flow) => opened(`${String(index)}/${String(flow)}`)))]) as Partial<Chunk>[];
    for (const each of [...lives, ...lives]) expect(await bench.send('a1', each)).toMatchObject({ nextSeq: 500, isObsolete: false });
  });

  test('nodes that are exchanged over the days', async () => {
    for (let day = 0; day < 5; day += 1) {
      bench.clock.step(30 * 3_600_000);
      const t = (day + 1) * 30 * 3_600_000;
      await bench.send('a1', told(many(200, (index) => opened('n/1', { t, ingress: `n-${String(day)}-${String(index)}` }))));
    }
  });
});
