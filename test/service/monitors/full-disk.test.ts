// A disk without room: what was measured stays with the agent, health says so, and once there is room nothing is missing.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// A limit of the process on the size of its files stands for the full disk: lifted, there is room again.
const PROGRAM = `
  import { execFileSync } from 'node:child_process';
  import { Bench } from ${JSON.stringify(join(import.meta.dirname, 'support/a-bench.ts'))};
  const limitFiles = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':']);
  await using bench = await Bench.open();
  bench.clock.step(30_000);
  const events = (firstSeq) => Array.from({ length: 100 }, (_, index) => ({ t: 1, from: 'prober:v1', seq: firstSeq + index, type: 'flow.closed', flow: 'v1/' + index }));
  limitFiles(60_000);
  let nextSeq = 0;
  let code = '';
  for (; code === '' && nextSeq < 10_000; ) {
    try { nextSeq = (await bench.send('a1', { events: events(nextSeq), firstSeq: nextSeq })).nextSeq; } catch (error) { code = error.code; }
  }
  await bench.pass(2);
  const problems = bench.monitors.problems();
  const held = bench.journalled().length;
  limitFiles('unlimited');
  const taken = (await bench.send('a1', { events: events(nextSeq), firstSeq: nextSeq })).nextSeq;
  const seqs = bench.journalled().map(({ seq }) => seq);
  process.stdout.write(JSON.stringify({ code, problems, held, nextSeq, taken, seqs, after: bench.monitors.problems() }));`;

test('a chunk that the disk does not take is not acknowledged, and comes again', async () => {
  const command = 'trap "" XFSZ; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"';
  const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, PROGRAM]);
  const { code, problems, held, nextSeq, taken, seqs, after } = JSON.parse(stdout) as Record<string, unknown>;
  expect(code).toBe('DISK');
  expect(problems).toEqual([expect.stringMatching(/^measurements are not taken, agents keep them: cannot write .*segments/)]);
  expect(held).toBe(nextSeq);
  expect(nextSeq).toBeGreaterThan(0);
  expect(seqs).toEqual(Array.from({ length: taken as number }, (_, seq) => seq));
  expect(taken).toBe((nextSeq as number) + 100);
  expect(after).toEqual([]);
});
