// The janitor alone: what it reverts without anybody's help, and when it believes that nothing can come back.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { monoMs } from '../../src/io/clock.ts';
import type { KeeperJournal } from '../../src/keeper/keeper-journal.ts';
import { eventually } from '../support/eventually.ts';
import { KeeperBench } from '../support/keeper-bench.ts';
import { acquired, anIntent } from '../support/keeper-records.ts';

/** A fault that a keeper put in force and then no longer cares for. */
function inForce(bench: KeeperBench, { forMs = 60_000, epoch = 1 } = {}): KeeperJournal {
  const journal = bench.journal('keeper');
  journal.append(acquired(epoch));
  journal.append(anIntent({ epoch, forMs, deadlineMs: monoMs() + forMs }));
  journal.append({ type: 'fault.in-force', epoch, fault: 'f1' });
  bench.network.shut.set('10.0.0.2', true);
  return journal;
}

const isShut = (bench: KeeperBench) => bench.network.shut.get('10.0.0.2') === true;

function phase(journal: KeeperJournal): string | undefined {
  journal.refresh();
  const fault = journal.state.faults.get('1/f1');
  return fault?.isQuarantineOver ? 'over' : fault?.phase;
}

// Each waits for seconds: side by side.
describe.concurrent('the janitor', () => {
  test('reverts at the deadline although the keeper only stares', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const journal = inForce(bench, { forMs: 300 });
    bench.janitor();
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 1_500);
    await eventually(() => {
      expect(phase(journal)).toBe('verified');
    });
  });

  test('reverts when no renewal came for a lease, and not while they come', async () => {
    await using bench = new KeeperBench({ leaseMs: 600 });
    inForce(bench);
    const janitor = bench.janitor();
    for (let count = 0; count < 10; count += 1) {
      janitor.renewed(1, monoMs());
      await sleep(200);
      expect(isShut(bench)).toBe(true);
    }
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 600 + 2_000);
  });

  test('a renewal of another epoch renews nothing', async () => {
    await using bench = new KeeperBench({ leaseMs: 600 });
    inForce(bench);
    bench.janitor().renewed(2, monoMs() + 60_000);
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 600 + 2_000);
  });

  test('reverts at once when the keeper is gone', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    inForce(bench);
    bench.isKeeperAlive = false;
    bench.janitor();
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 1_000);
  });

  test('reverts when the halt file appears', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    inForce(bench);
    bench.janitor();
    bench.halt.write();
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 2_000);
  });

  test('takes over a revert that the keeper began and did not end', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const journal = inForce(bench);
    journal.append({ type: 'fault.reverting', epoch: 1, fault: 'f1', reason: 'its time is over' });
    bench.janitor();
    await eventually(() => {
      expect(phase(journal)).toBe('verified');
    }, 3_000);
    expect(isShut(bench)).toBe(false);
  });

  test('reverts again whatever a thawed keeper does, and ends the quarantine only when it answers', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    bench.isKeeperAnswering = false;
    const journal = inForce(bench, { forMs: 100 });
    bench.janitor();
    await eventually(() => {
      expect(phase(journal)).toBe('verified');
    });
    await sleep(1_500); // three quarantines long, and the keeper silent
    expect(phase(journal)).toBe('verified');
    bench.network.shut.set('10.0.0.2', true); // the command that was in flight arrives
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 1_500);
    bench.isKeeperAnswering = true;
    await eventually(() => {
      expect(phase(journal)).toBe('over');
    }, 3_000);
    expect(isShut(bench)).toBe(false);
  });

  test('waits for a command in flight although its keeper is gone', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const journal = inForce(bench);
    bench.isKeeperAlive = false;
    bench.hasCommandInFlight = true;
    bench.janitor();
    await eventually(() => {
      expect(phase(journal)).toBe('verified');
    });
    await sleep(1_500);
    expect(phase(journal)).toBe('verified');
    bench.hasCommandInFlight = false;
    await eventually(() => {
      expect(phase(journal)).toBe('over');
    });
  });

  test('a late command of an earlier run is undone by its own key, although a later run had the same target', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const journal = inForce(bench, { forMs: 100 });
    bench.isKeeperAnswering = false;
    bench.janitor();
    await eventually(() => {
      expect(phase(journal)).toBe('verified');
    });
    journal.append({ type: 'released', epoch: 1, reason: '' });
    journal.append(acquired(2));
    bench.network.shut.set('10.0.0.2', true);
    await eventually(() => {
      expect(isShut(bench)).toBe(false);
    }, 1_500);
  });

  test('a target that does not exist any more is gone, and nothing is left to watch', async () => {
    await using bench = new KeeperBench({ leaseMs: 60_000 });
    const journal = inForce(bench, { forMs: 100 });
    bench.network.shut.delete('10.0.0.2');
    bench.janitor();
    await eventually(() => {
      expect(phase(journal)).toBe('over');
    }, 3_000);
  });
});
