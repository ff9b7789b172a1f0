// What waits for the service: numbered, on disk, bounded, through crashes, and never twice.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Spool } from '../../src/agent/spool.ts';
import type { SpoolStream } from '../../src/agent/spool-stream.ts';
import type { EventOf, JournalEvent } from '../../src/core/journal.ts';

let folder: string;
let log: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-spool-'));
  log = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const MOST = { lines: 1_000_000, bytes: 1e9 };
const OF = { monitor: 'web', session: 's1' };
let streams = 0;

function aSpool(maxBytes = 1e9): Spool {
  return new Spool({ folder, maxBytes, newStream: () => `st${String((streams += 1))}`, log: (line) => log.push(line) });
}

function anEvent(seq: number, pad = ''): JournalEvent {
  return { t: seq, from: 'prober:v1', seq, type: 'flow.closed', flow: `v1/a/${String(seq)}${pad}` } satisfies EventOf<'flow.closed'>;
}

async function append(stream: SpoolStream, from: number, until: number, pad = ''): Promise<void> {
  for (let seq = from; seq < until; seq++) stream.append(anEvent(seq, pad));
  await turn();
  await turn();
}

const seqs = (lines: readonly string[]) => lines.map((line) => (JSON.parse(line) as JournalEvent).seq);
const range = (from: number, until: number) => Array.from({ length: until - from }, (_, index) => from + index);
const filesOf = (stream: string) => readdirSync(join(folder, stream)).filter((file) => file.endsWith('.ndjson'));

describe('a spool', () => {
  it('gives the events of a stream from the one that is wanted, as many as fit', async () => {
    const stream = aSpool().begin(OF);
    await append(stream, 0, 10);
    expect(seqs(stream.read(MOST).lines)).toEqual(range(0, 10));
    stream.acknowledge(4);
    expect(stream.read({ lines: 3, bytes: 1e9 })).toMatchObject({ firstSeq: 4 });
    expect(seqs(stream.read({ lines: 3, bytes: 1e9 }).lines)).toEqual([4, 5, 6]);
    expect(seqs(stream.read({ lines: 99, bytes: 1 }).lines)).toEqual([4]);
    stream.acknowledge(2);
    expect(seqs(stream.read(MOST).lines)).toEqual(range(2, 10));
    expect(stream.pending).toBe(8);
  });

  it('leaves the disk as the service takes what it holds, and with the end of the stream all of it', async () => {
    const spool = aSpool();
    const stream = spool.begin(OF);
    await append(stream, 0, 3_000, 'x'.repeat(500));
    await append(stream, 3_000, 6_000, 'x'.repeat(500));
    await append(stream, 6_000, 6_001);
    expect(spool.bytes).toBeGreaterThan(3e6);
    stream.acknowledge(6_000);
    expect(spool.bytes).toBeLessThan(1_000);
    expect(filesOf(stream.about.stream).length).toBe(1);
    stream.end();
    expect(spool.pending()).toEqual([stream]);
    stream.acknowledge(6_001);
    expect(spool.pending()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is found again by the next life, without the line that its writer was killed in', async () => {
    const stream = aSpool().begin(OF);
    await append(stream, 0, 5);
    const file = join(folder, stream.about.stream, filesOf(stream.about.stream)[0] ?? '');
    appendFileSync(file, '{"t":5,"from":"prob');
    const [found, ...others] = aSpool().pending();
    expect(others).toEqual([]);
    expect(found?.about).toEqual(stream.about);
    expect(seqs(found?.read(MOST).lines ?? [])).toEqual(range(0, 5));
    found?.acknowledge(5);
    expect(found?.isOver).toBe(true);
  });

  it('gives streams in the order in which they were begun, after a restart too', async () => {
    const names = ['m', 'z', 'a', 'k'];
    const next = () => new Spool({ folder, maxBytes: 1e9, newStream: () => names.shift() ?? '', log: () => undefined });
    const spool = next();
    for (let count = 0; count < 3; count++) await append(spool.begin(OF), 0, 1);
    const again = next();
    await append(again.begin(OF), 0, 1);
    for (const each of [again, next()]) expect(each.pending().map(({ about }) => about.stream)).toEqual(['m', 'z', 'a', 'k']);
    expect(again.pending().map(({ about }) => Object.keys(about))).toEqual(Array(4).fill(['monitor', 'session', 'stream']));
  });

  it('leaves nothing of a stream that could not begin', async () => {
    const program = `
      import { Spool } from ${JSON.stringify(join(import.meta.dirname, '../../src/agent/spool.ts'))};
      const spool = new Spool({ folder: process.argv[1], maxBytes: 1e9, newStream: () => 'st', log: () => undefined });
      try { spool.begin({ monitor: 'web', session: 's1' }); } catch (error) { process.stdout.write(error.code); }`;
    // No file may grow: as on a full disk.
    const command = 'trap "" XFSZ; ulimit -f 0; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1" -- "$2"';
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program, folder]);
    expect(stdout).toBe('DISK');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of any writes, acknowledgements and crashes, keeps exactly what the service has not said it has', async () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('write' as const), count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ act: fc.constant('take' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ act: fc.constant('crash' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        rmSync(folder, { recursive: true });
        let spool = aSpool();
        let stream = spool.begin(OF);
        let written = 0;
        const taken: number[] = [];
        for (const each of steps) {
          if (each.act === 'write') {
            await append(stream, written, written + each.count, 'x'.repeat(20_000));
            written += each.count;
          } else if (each.act === 'take') {
            const { firstSeq, lines } = stream.read({ lines: Math.ceil(each.share * 30), bytes: 1e9 });
            // The service knows by the numbers what it has: after a crash some come again.
            taken.push(...seqs(lines).slice(Math.max(0, taken.length - firstSeq)));
            stream.acknowledge(taken.length);
          } else {
            const rest = stream.read(MOST).lines.length;
            spool = aSpool();
            const [found] = spool.pending();
            expect(found?.read(MOST).lines.length ?? 0).toBeGreaterThanOrEqual(rest);
            const begun = spool.begin(OF);
            if (found) taken.push(...seqs(found.read(MOST).lines).slice(Math.max(0, taken.length - found.read(MOST).firstSeq)));
            expect(taken).toEqual(range(0, written));
            [stream, written] = [begun, 0];
            taken.length = 0;
            found?.acknowledge(1e6);
          }
        }
        taken.push(...seqs(stream.read(MOST).lines).slice(Math.max(0, taken.length - stream.read(MOST).firstSeq)));
        expect(taken).toEqual(range(0, written));
      }),
      { numRuns: 25 },
    );
  });

  it('never grows beyond its bound: what does not fit is dropped and counted, and the stream ends there', async () => {
    const spool = aSpool(10_000);
    const stream = spool.begin(OF);
    await append(stream, 0, 500);
    expect(spool.bytes).toBeLessThanOrEqual(10_000);
    expect(stream.state).toBe('cut');
    const kept = stream.pending;
    expect(spool.droppedEvents).toBe(500 - kept);
    expect(seqs(stream.read(MOST).lines)).toEqual(range(0, kept));
    expect(spool.hasRoom).toBe(false);
    expect(log).toContainEqual(expect.stringContaining('the spool is full'));
    stream.acknowledge(kept);
    stream.end();
    spool.pending();
    expect(spool.hasRoom).toBe(true);
    const next = spool.begin(OF);
    await append(next, 0, 3);
    expect([next.state, next.pending]).toEqual(['whole', 3]);
  });

  it('cuts a stream whose prober left out a number, rather than to send a gap', async () => {
    const stream = aSpool().begin(OF);
    await append(stream, 0, 3);
    await append(stream, 4, 6);
    expect([stream.state, stream.pending]).toEqual(['cut', 3]);
  });

  it('forgets what nobody wants any more, and counts it as nobody’s loss', async () => {
    const spool = aSpool();
    const stream = spool.begin(OF);
    await append(stream, 0, 3);
    stream.markObsolete();
    await append(stream, 3, 6);
    expect([stream.pending, spool.droppedEvents, spool.bytes]).toEqual([0, 0, 0]);
    stream.end();
    spool.pending();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives up a stream whose missing events it no longer has', async () => {
    const spool = aSpool();
    const stream = spool.begin(OF);
    await append(stream, 0, 600, 'x'.repeat(1_000));
    await append(stream, 600, 610);
    stream.acknowledge(605);
    stream.acknowledge(1);
    expect([stream.state, stream.pending, spool.droppedEvents]).toEqual(['cut', 0, 5]);
  });

  it('lies in files that nobody else may read', () => {
    const stream = aSpool().begin(OF);
    expect(statSync(join(folder, stream.about.stream)).mode & 0o077).toBe(0);
  });
});
