// Plays `holdfast run` for tests of the service: claims its folder, lasts a while, reports, honours SIGTERM. What it does stands in the
// scenario's file, as JSON: { ms, verdict, broken, n, act: 'report' | 'refuse' | 'taken-once' | 'die' | 'stay' }.
//
//   node test/support/a-runner.ts run FILE --env FILE … --out FOLDER | run … --dry-run | report FOLDER
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

type Play = { ms?: number; verdict?: string; broken?: number; n?: number; act?: string; warmUpMs?: number };

const [command, file = '', ...flags] = process.argv.slice(2);
const flag = (name: string) => flags[flags.indexOf(name) + 1] ?? '';

if (command === 'report') {
  writeReport(file, { verdict: 'errored', summary: 'The run was broken off.', broken: 0, n: 0 });
  process.exit(4);
}
const play = JSON.parse(readFileSync(file, 'utf8')) as Play;
if (flags.includes('--dry-run')) {
  if (play.act === 'refuse') refuse('this cannot be done');
  process.stdout.write(`would run ${basename(file)} with seed ${flag('--seed')}\n`);
  process.exit(0);
}
const out = flag('--out');
const controller = new AbortController();
process.on('SIGTERM', () => {
  if (play.act !== 'stay') controller.abort();
});
await sleep(play.warmUpMs ?? 0);
mkdirSync(out, { recursive: true });
try {
  writeFileSync(join(out, 'journal.ndjson'), '{}\n', { flag: 'ax' });
} catch {
  refuse('the journal is there');
}
if (play.act === 'refuse') giveBack('the environment is not reachable');
if (play.act === 'taken-once' && !existsSync(`${file}.was-taken`)) {
  writeFileSync(`${file}.was-taken`, '');
  giveBack('the environment is taken: the run r0 holds it');
}
// From here on it would touch things: what must happen once a run.
appendFileSync(join(dirname(out), 'began.txt'), `${basename(out)}\n`);
if (play.act === 'die') process.kill(process.pid, 'SIGKILL');
await sleep(play.ms ?? 100, undefined, { signal: controller.signal }).catch(() => undefined);
if (controller.signal.aborted) {
  writeReport(out, { verdict: 'errored', summary: 'Interrupted: all was reverted.', broken: 0, n: 0 });
  process.exit(143);
}
const { verdict = 'held', broken = 0, n = 100 } = play;
writeReport(out, { verdict, summary: `It ${verdict}.`, broken, n });
process.exit(verdict === 'held' ? 0 : 1);

function giveBack(why: string): never {
  rmSync(join(out, 'journal.ndjson'));
  rmdirSync(out);
  refuse(why);
}

function refuse(why: string): never {
  process.stderr.write(`error: ${why}\n  remedy: wait\n`);
  process.exit(4);
}

function writeReport(
  folder: string,
  { verdict, summary, broken, n }: { verdict: string; summary: string; broken: number; n: number },
): void {
  const outcomes = { 'on-dead-hop': { count: broken }, 'moved-broken': { count: 0 }, 'broken-in-place': { count: 0 } };
  const ledger = { protocol: 'tcp', population: n, outcomes, brokenByCause: { reset: broken } };
  writeFileSync(
    join(folder, 'report.json'),
    JSON.stringify({ schema: 1, verdict, summary, events: [{ eventCause: 'fault-in', ledgers: [ledger] }] }),
  );
}
