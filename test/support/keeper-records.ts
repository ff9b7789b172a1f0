// Lines of a keeper's journal for tests.
import type { KeeperRecord, NewKeeperRecord } from '../../src/core/keeper-records.ts';

export const BOOT = 'a-boot-id';

/** A line as `by` wrote it at `atMs`. */
export function aRecord(record: NewKeeperRecord, stamp: Partial<Pick<KeeperRecord, 'atMs' | 'by' | 'seq'>> = {}): KeeperRecord {
  return { atMs: 0, by: 'keeper', seq: 0, ...stamp, ...record };
}

export function acquired(epoch = 1): NewKeeperRecord {
  return { type: 'acquired', epoch, runId: `run-${String(epoch)}`, t0MonoMs: 0, machineBoot: BOOT };
}

export function anIntent(rest: Partial<Extract<NewKeeperRecord, { type: 'fault.intent' }>> = {}): NewKeeperRecord {
  return {
    type: 'fault.intent',
    epoch: 1,
    fault: 'f1',
    kind: 'bgp-session-down',
    target: 'n2',
    params: {},
    forMs: 10_000,
    deadlineMs: 10_000,
    preState: { peers: [{ peer: '10.0.0.2', isShut: false }] },
    ...rest,
  };
}
