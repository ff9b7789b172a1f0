// Whatever happens to chunks on their way and to the service while it takes them: every event stands once, and the findings are the same.
import { truncateSync } from 'node:fs';
import { statSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { aJournal } from '../../support/a-journal.ts';
import { Bench } from './support/a-bench.ts';

const VANTAGES = ['v1', 'v2'] as const;
const STORY_MS = 30_000;

/** Thirty seconds in which every flow by n2 is reset and comes back elsewhere: what the prober of each vantage tells, in its order. */
const STORY: Record<(typeof VANTAGES)[number], JournalEvent[]> = { v1: toldBy('v1'), v2: toldBy('v2') };

function toldBy(vantage: string): JournalEvent[] {
  const journal = aJournal({ vantages: [vantage] });
  const flows = ['n1', 'n2', 'n3'].map((ingress) => journal.flows(20, { vantage, ingress }));
  for (const [index, flow] of (flows[1] ?? []).entries()) {
    journal.breaks(flow, 10_000 + index * 10).maps(flow, 10_400 + index * 10, 'n3');
    journal.flow({ vantage, ingress: 'n3', openT: 10_600 + index * 10, replaces: flow });
  }
  for (let bin = 1; bin < STORY_MS / 1_000 - 2; bin += 1) {
    for (const path of bin < 10 ? ['n1', 'n2', 'n3'] : ['n1', 'n3']) {
      journal.tally(bin, { vantage, path, ok: 40 }).tally(bin, { vantage, path, ok: 3, fresh: true });
    }
  }
  return journal.sorted().filter(({ from }) => from === `prober:${vantage}`);
}

type Disturbance =
  | { kind: 'send'; vantage: 0 | 1; back: number; ahead: number; length: number }
  /** The service dies while it takes a chunk: `keep` is the share of its bytes that reached the disk, and nobody got an answer. */
  | { kind: 'kill'; vantage: 0 | 1; length: number; keep: number }
  | { kind: 'restart' }
  | { kind: 'pass' };

const which = fc.constantFrom<0 | 1>(0, 1);
const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      vantage: which,
      back: fc.nat(30),
      ahead: fc.nat(2),
      length: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      vantage: which,
      length: fc.integer({ min: 1, max: 60 }),
      keep: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'pass' as const }) },
);

/** Plays agents that send the story, disturbed, then until all of it is taken; and waits for the findings. */
async function play(disturbances: readonly Disturbance[]) {
  await using bench = await Bench.open();
  bench.clock.step(STORY_MS);
  const next: [number, number] = [0, 0];
  const send = async (vantage: 0 | 1, firstSeq: number, length: number) => {
    const events = STORY[VANTAGES[vantage]].slice(firstSeq, firstSeq + length);
    const answer = await bench.send(vantage === 0 ? 'a1' : 'a2', { events, firstSeq });
    expect(answer.isObsolete).toBe(false);
    return answer.nextSeq;
  };
  for (const each of disturbances) {
    switch (each.kind) {
      case 'send': {
        const firstSeq = Math.max(0, next[each.vantage] - each.back + each.ahead * 40);
        next[each.vantage] = await send(each.vantage, firstSeq, each.length);
        break;
      }
      case 'kill': {
        const path = bench.segments().at(-1) ?? '';
        const before = statSync(path).size;
        await send(each.vantage, next[each.vantage], each.length);
        const after = statSync(path).size;
        truncateSync(path, Math.floor(before + each.keep * (after - before)));
        await bench.restart();
        break;
      }
      case 'restart':
        await bench.restart();
        break;
      case 'pass':
        await bench.pass(1);
    }
  }
  for (const vantage of [0, 1] as const) {
    while (next[vantage] < STORY[VANTAGES[vantage]].length) next[vantage] = await send(vantage, next[vantage], 10_000);
  }
  await bench.pass(30);
  const findings = await bench.findings();
  const told = bench.told.map(({ id, updatedMs }) => `${id} ${String(updatedMs)}`);
  // At least once, and the last state of each last.
  for (const { id, updatedMs } of findings) expect(bench.told.findLast((each) => each.id === id)?.updatedMs).toBe(updatedMs);
  expect(new Set(told).size).toBe(told.length);
  return { journalled: bench.journalled(), findings };
}

test('resent, overlapping, too early, killed at any byte: the same events once, the same findings', async () => {
  const undisturbed = await play([]);
  expect(undisturbed.findings.length).toBeGreaterThan(0);
  const outline = (findings: typeof undisturbed.findings) =>
    findings.map(({ id, kind, subject, state, sentence, vantages, brokenByCause }) => ({
      id,
      kind,
      subject,
      state,
      sentence,
      vantages,
      brokenByCause,
    }));
  await fc.assert(
    fc.asyncProperty(fc.array(disturbance, { maxLength: 12 }), async (disturbances) => {
      const disturbed = await play(disturbances);
      for (const vantage of VANTAGES) {
        const seqs = disturbed.journalled.filter(({ from }) => from === `prober:${vantage}`).map(({ seq }) => seq);
        expect(seqs).toEqual(STORY[vantage].map((_, seq) => seq));
      }
      expect(outline(disturbed.findings)).toEqual(outline(undisturbed.findings));
    }),
    { numRuns: 30 },
  );
}, 120_000);
