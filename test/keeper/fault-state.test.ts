// What the lines of a keeper's journal add up to, in whatever order late writers leave them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NewKeeperRecord } from '../../src/core/keeper-records.ts';
import { afterRecord, EMPTY_STATE, expiryMs, isOpen, isOver, type KeeperState } from '../../src/keeper/fault-state.ts';
import { acquired, anIntent, aRecord } from '../support/keeper-records.ts';

const ref = { epoch: 1, fault: 'f1' };

function stateAfter(...records: NewKeeperRecord[]): KeeperState {
  return records.reduce<KeeperState>(
    (state, record, index) => afterRecord(state, aRecord(record, { atMs: index, seq: index })),
    EMPTY_STATE,
  );
}

function phaseAfter(...records: NewKeeperRecord[]): string | undefined {
  return stateAfter(acquired(), anIntent(), ...records).faults.get('1/f1')?.phase;
}

describe('one fault', () => {
  test('goes from intent over in force to verified, and is over once its quarantine is', () => {
    const state = stateAfter(
      acquired(),
      anIntent(),
      { type: 'fault.in-force', ...ref },
      { type: 'fault.reverting', ...ref, reason: 'its time is over' },
      { type: 'fault.verified', ...ref },
      { type: 'quarantine.over', ...ref },
    );
    const fault = state.faults.get('1/f1');
    expect(fault && isOver(fault)).toBe(true);
    expect(fault).toMatchObject({ runId: 'run-1', target: 'n2', preState: { peers: [{ peer: '10.0.0.2', isShut: false }] } });
  });

  test('a keeper that thaws after the revert cannot put it back in force', () => {
    const reverted: NewKeeperRecord[] = [
      { type: 'fault.reverting', ...ref, reason: '' },
      { type: 'fault.verified', ...ref },
    ];
    expect(phaseAfter(...reverted, { type: 'fault.in-force', ...ref })).toBe('verified');
    expect(phaseAfter(...reverted.slice(0, 1), { type: 'fault.in-force', ...ref })).toBe('reverting');
  });

  test('one that came back is reverting again, with a new quarantine', () => {
    const state = stateAfter(
      acquired(),
      anIntent(),
      { type: 'fault.reverting', ...ref, reason: '' },
      { type: 'fault.verified', ...ref },
      { type: 'fault.reverting', ...ref, reason: 'it came back after the revert' },
      { type: 'quarantine.over', ...ref },
    );
    expect(state.faults.get('1/f1')).toMatchObject({ phase: 'reverting', isQuarantineOver: false });
  });

  test('unverified stays so until somebody verifies it', () => {
    const unverified: NewKeeperRecord[] = [
      { type: 'fault.reverting', ...ref, reason: '' },
      { type: 'fault.unverified', ...ref, reason: 'no answer' },
    ];
    expect(phaseAfter(...unverified)).toBe('unverified');
    expect(phaseAfter(...unverified, { type: 'fault.reverting', ...ref, reason: '' })).toBe('unverified');
    expect(phaseAfter(...unverified, { type: 'fault.verified', ...ref })).toBe('verified');
  });
});

test('an intent of an epoch that nobody holds is none', () => {
  expect(stateAfter(anIntent()).faults.size).toBe(0);
  expect(stateAfter(acquired(1), acquired(2), anIntent({ epoch: 1 })).faults.size).toBe(0);
  expect(stateAfter(acquired(1), { type: 'released', epoch: 1, reason: '' }, anIntent()).faults.size).toBe(0);
});

test('the same fault name in two runs is two faults', () => {
  const state = stateAfter(acquired(1), anIntent(), acquired(2), anIntent({ epoch: 2 }));
  expect([...state.faults.keys()]).toEqual(['1/f1', '2/f1']);
});

test('what is over is forgotten when the next run takes the environment, what is open never', () => {
  const over: NewKeeperRecord[] = [
    { type: 'fault.reverting', ...ref, reason: '' },
    { type: 'fault.verified', ...ref },
    { type: 'quarantine.over', ...ref },
  ];
  expect(stateAfter(acquired(1), anIntent(), ...over, acquired(2)).faults.size).toBe(0);
  expect(stateAfter(acquired(1), anIntent(), ...over.slice(0, 2), acquired(2)).faults.size).toBe(1);
});

test('a fault expires at its deadline or when its lease ran out, whichever is first', () => {
  expect(expiryMs({ deadlineMs: 10_000 }, 1_000, 15_000)).toBe(10_000);
  expect(expiryMs({ deadlineMs: 60_000 }, 1_000, 15_000)).toBe(16_000);
  expect(expiryMs({ deadlineMs: 60_000 }, -Infinity, 15_000)).toBe(-Infinity);
});

const anyRecord: fc.Arbitrary<NewKeeperRecord> = fc
  .record({ epoch: fc.integer({ min: 1, max: 3 }), fault: fc.constantFrom('f1', 'f2') })
  .chain(({ epoch, fault }) =>
    fc.constantFrom<NewKeeperRecord>(
      acquired(epoch),
      { type: 'released', epoch, reason: '' },
      anIntent({ epoch, fault }),
      { type: 'fault.in-force', epoch, fault },
      { type: 'fault.lost', epoch, fault, reason: '' },
      { type: 'fault.reverting', epoch, fault, reason: '' },
      { type: 'fault.verified', epoch, fault },
      { type: 'fault.unverified', epoch, fault, reason: '' },
      { type: 'fault.gone', epoch, fault, reason: '' },
      { type: 'quarantine.over', epoch, fault },
    ),
  );

test('no order of lines lets an open fault be forgotten, an epoch go down, or a reverted fault be in force', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 40 }), (records) => {
      let state = EMPTY_STATE;
      for (const record of records) {
        const next = afterRecord(state, aRecord(record));
        expect(next.epoch).toBeGreaterThanOrEqual(state.epoch);
        for (const [key, fault] of state.faults) {
          const after = next.faults.get(key);
          if (isOpen(fault)) expect(after).toBeDefined();
          if (after?.phase === 'in-force') expect(['intent', 'in-force']).toContain(fault.phase);
          if (after && isOver(after) && !isOver(fault)) expect(record.type).toBe('quarantine.over');
        }
        expect(afterRecord(next, aRecord(record)).faults.size).toBe(next.faults.size); // a line read twice changes nothing
        state = next;
      }
    }),
  );
});
