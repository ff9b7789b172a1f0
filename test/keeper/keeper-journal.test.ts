// The keeper's journal on disk: two writers, torn lines, full disks.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeeperJournal } from '../../src/keeper/keeper-journal.ts';
import { acquired, anIntent } from '../support/keeper-records.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-keeper-'));
  path = join(folder, 'keeper.ndjson');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function open(by: 'keeper' | 'janitor'): KeeperJournal {
  return new KeeperJournal(folder, by, () => 42);
}

test('keeper and janitor read what the other wrote, and each counts its own lines', () => {
  using keeper = open('keeper');
  using janitor = open('janitor');
  const heard: string[] = [];
  keeper.onRecord((line) => heard.push(`${line.by} ${String(line.seq)} ${line.type}`));
  keeper.append(acquired());
  keeper.append(anIntent());
  janitor.append({ type: 'fault.reverting', epoch: 1, fault: 'f1', reason: 'the keeper is gone' });
  janitor.append({ type: 'fault.verified', epoch: 1, fault: 'f1' });
  keeper.refresh();
  expect(heard).toEqual(['keeper 0 acquired', 'keeper 1 fault.intent', 'janitor 0 fault.reverting', 'janitor 1 fault.verified']);
  expect(keeper.state).toEqual(janitor.state);
});

test('the count goes on where an earlier process ended', () => {
  {
    using first = open('keeper');
    first.append(acquired());
  }
  using second = open('keeper');
  second.append(acquired(2));
  expect(
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { seq: number }).seq),
  ).toEqual([0, 1]);
});

test('a line that tells nothing new is kept, and nobody is told of it', () => {
  using keeper = open('keeper');
  keeper.append(acquired());
  keeper.append(anIntent());
  keeper.append({ type: 'fault.reverting', epoch: 1, fault: 'f1', reason: '' });
  const heard: string[] = [];
  keeper.onRecord((line) => heard.push(line.type));
  keeper.append({ type: 'fault.reverting', epoch: 1, fault: 'f1', reason: 'once more' });
  expect(heard).toEqual([]);
});

test('a torn line costs itself alone, wherever it was torn', () => {
  using keeper = open('keeper');
  keeper.append(acquired());
  keeper.append(anIntent());
  const whole = readFileSync(path);
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(path, whole.subarray(0, length));
    using after = open('janitor');
    const before = after.state;
    after.append(acquired(9));
    expect(after.state.epoch).toBe(9);
    expect(before.faults.size).toBe(length >= whole.length - 1 ? 1 : 0);
    using again = open('keeper');
    expect(again.state.epoch).toBe(9);
  }
});

test('half a line of the other writer is not read before it is whole', () => {
  using keeper = open('keeper');
  keeper.append(acquired());
  const line = `${JSON.stringify({ atMs: 1, by: 'janitor', seq: 0, ...acquired(2) })}\n`;
  appendFileSync(path, line.slice(0, 30));
  keeper.refresh();
  expect(keeper.state.epoch).toBe(1);
  appendFileSync(path, line.slice(30));
  keeper.refresh();
  expect(keeper.state.epoch).toBe(2);
});

test('on a full disk an append is refused, a note counts in memory, and the file stays readable', async () => {
  const program = `
    import { KeeperJournal } from ${JSON.stringify(join(import.meta.dirname, '../../src/keeper/keeper-journal.ts'))};
    const journal = new KeeperJournal(process.argv[1], 'keeper', () => 1);
    let refusal = null;
    for (let epoch = 1; refusal === null; epoch += 1) {
      try {
        journal.append({ type: 'acquired', epoch, runId: 'r'.repeat(300), t0MonoMs: 0, machineBoot: '' }, { sync: true });
      } catch (error) {
        refusal = error;
      }
    }
    const { epoch } = journal.state;
    const released = journal.note({ type: 'released', epoch, reason: 'r'.repeat(3000) });
    process.stdout.write(JSON.stringify({ code: refusal.code, epoch, noted: released.code, holder: journal.state.holder }));`;
  // A limit of 8 blocks of 512 or 1,024 bytes: the write that crosses it is cut short, as on a full disk.
  const script = 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" -- "$2"';
  const { stdout } = await promisify(execFile)('sh', ['-c', script, process.execPath, program, folder]);
  const result = JSON.parse(stdout) as { code: string; epoch: number; noted: string; holder: unknown };
  expect(result).toMatchObject({ code: 'DISK', noted: 'DISK', holder: null });
  expect(result.epoch).toBeGreaterThan(3);
  using after = open('keeper');
  expect(after.state.epoch).toBe(result.epoch);
  after.append(acquired(result.epoch + 1));
  using again = open('keeper');
  expect(again.state.epoch).toBe(result.epoch + 1);
});

test('what a full disk did not take is written once there is room, and new intents wait for it', async () => {
  // A soft limit can be raised again: the disk that has room once more.
  const program = `
    import { execFileSync } from 'node:child_process';
    import { KeeperJournal } from ${JSON.stringify(join(import.meta.dirname, '../../src/keeper/keeper-journal.ts'))};
    const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited']);
    process.on('SIGXFSZ', () => undefined);
    const journal = new KeeperJournal(process.argv[1], 'keeper', () => 1);
    journal.append({ type: 'acquired', epoch: 1, runId: 'r', t0MonoMs: 0, machineBoot: '' });
    limit(1);
    const noted = journal.note({ type: 'released', epoch: 1, reason: 'over' });
    let refused = null;
    try { journal.append({ type: 'acquired', epoch: 2, runId: 'r', t0MonoMs: 0, machineBoot: '' }); } catch (error) { refused = error; }
    const during = journal.state.epoch;
    limit('unlimited');
    journal.refresh();
    process.stdout.write(JSON.stringify({ noted: noted.code, refused: refused.code, during }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, '--', folder]);
  expect(JSON.parse(stdout)).toEqual({ noted: 'DISK', refused: 'DISK', during: 1 });
  using after = open('janitor');
  expect(after.state).toMatchObject({ epoch: 1, holder: null });
});
