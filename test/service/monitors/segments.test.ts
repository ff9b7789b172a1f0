// Segments on disk: whole lines whatever happens, read again in order, and gone when their time or the room is up.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planMonitor } from '../../../src/service/monitors/monitor-plan.ts';
import { readHead, replaySegment, type SegmentLine, SegmentWriter } from '../../../src/service/monitors/segment-file.ts';
import { hourOf, overdue, SegmentFolder, type SegmentPlace } from '../../../src/service/monitors/segment-folder.ts';
import { aCatalogue, aMonitorSpec } from './support/a-monitor.ts';

const HOUR_MS = 3_600_000;
const plan = planMonitor(aMonitorSpec(), aCatalogue());
const session = { id: 's1', t0MonoMs: 1, t0WallMs: 2, machineBoot: 'boot-1' };
const head = { session, plan, positions: [{ owner: 'prober:v1', stream: 'a', nextSeq: 7 }], watch: { any: ['thing'] } };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-segments-'));
  path = join(folder, 'segment.ndjson');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const advanced = (t: number): SegmentLine => ({ type: 'watch.advanced', t });
async function linesIn(file: string): Promise<{ lines: SegmentLine[]; bytes: number }> {
  const lines: SegmentLine[] = [];
  return { bytes: await replaySegment(file, (line) => lines.push(line)), lines };
}

describe('a segment', () => {
  test('tells its session, its plan and where it begins, and then every line in order', async () => {
    using writer = SegmentWriter.create(path, head);
    writer.append([advanced(1), advanced(2)]);
    writer.append([advanced(3)], { sync: true });
    expect(await readHead(path)).toEqual({ type: 'segment.started', schema: 1, ...head });
    expect((await linesIn(path)).lines).toEqual([advanced(1), advanced(2), advanced(3)]);
  });

  test('cut anywhere by a crash loses no whole line, and goes on from there', async () => {
    using writer = SegmentWriter.create(path, head);
    const headBytes = readFileSync(path).length;
    writer.append([advanced(1), advanced(22), advanced(333)]);
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: headBytes, max: whole.length }), async (length) => {
        writeFileSync(path, whole.subarray(0, length));
        const { lines, bytes } = await linesIn(path);
        expect(lines.length).toBe(whole.subarray(headBytes, length).filter((byte) => byte === 0x0a).length);
        using again = SegmentWriter.reopen(path, bytes);
        again.append([advanced(4)]);
        expect((await linesIn(path)).lines).toEqual([...lines, advanced(4)]);
      }),
      { numRuns: 40 },
    );
  });

  test('whose last line a loss of power filled with zeros goes on before it', async () => {
    using writer = SegmentWriter.create(path, head);
    writer.append([advanced(1)]);
    appendFileSync(path, Buffer.concat([Buffer.alloc(50), Buffer.from('\n')]));
    expect((await linesIn(path)).lines).toEqual([advanced(1)]);
  });

  test('that is damaged in its middle is not taken for a shorter one', async () => {
    using writer = SegmentWriter.create(path, head);
    writer.append([advanced(1), advanced(2)]);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"t":1', '"t":x'));
    await expect(linesIn(path)).rejects.toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
    truncateSync(path, 10);
    await expect(readHead(path)).rejects.toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  });

  test('on a full disk takes all of a batch or nothing, and more once there is room', async () => {
    const program = `
      import { SegmentWriter } from ${JSON.stringify(join(import.meta.dirname, '../../../src/service/monitors/segment-file.ts'))};
      const writer = SegmentWriter.create(process.argv[1], ${JSON.stringify(head)});
      let batch = 0;
      const lines = () => Array.from({ length: 50 }, (_, index) => ({ type: 'watch.advanced', t: batch * 50 + index }));
      try { for (;; batch += 1) writer.append(lines()); } catch (error) { process.stdout.write(error.code + ' ' + error.remedy + '\\n'); }
      process.stdout.write(String(batch * 50));`;
    const command = `trap "" XFSZ; ulimit -f 40; exec "$0" --input-type=module -e "$1" -- "$2"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program, path]);
    const [said, count] = stdout.split('\n');
    expect(said).toMatch(/^DISK make room on the disk/);
    expect(Number(count)).toBeGreaterThan(0);
    const { lines, bytes } = await linesIn(path);
    expect(lines).toEqual(Array.from({ length: Number(count) }, (_, t) => advanced(t)));
    expect(bytes).toBe(readFileSync(path).length);
  });
});

describe('the folder of segments', () => {
  test('names them by monitor, session and hour, and knows the newest', () => {
    const segments = new SegmentFolder(folder);
    for (const hour of ['20261125T09Z', '20261125T10Z', '20261125T08Z']) {
      SegmentWriter.create(segments.pathFor('web', 's1', hour), head)[Symbol.dispose]();
    }
    expect(hourOf(Date.UTC(2026, 10, 25, 10, 59))).toBe('20261125T10Z');
    expect(segments.newest('web', 's1')?.hour).toBe('20261125T10Z');
    expect(segments.newest('web', 's2')).toBeNull();
    expect(segments.all().map(({ hour }) => hour)).toEqual(['20261125T08Z', '20261125T09Z', '20261125T10Z']);
  });

  test('is empty again when the last one is removed', () => {
    const segments = new SegmentFolder(folder);
    SegmentWriter.create(segments.pathFor('web', 's1', '20261125T08Z'), head)[Symbol.dispose]();
    segments.remove(segments.all());
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what was written while the wall clock was in the future goes when it is old by its writing', () => {
    const nowMs = Date.UTC(2026, 10, 25, 12, 30);
    const place = (hour: string, age: number): SegmentPlace => {
      return { monitor: 'm', session: 's', hour, path: `${hour}-${String(age)}`, bytes: 1, writtenMs: nowMs - age * HOUR_MS };
    };
    const kept = [place('20261125T12Z', 0), place('20990101T00Z', 2), place('20990101T00Z_000001', 1)];
    const old = [place('20990101T00Z', 30), place('20261124T11Z', 25)];
    const limits = { nowMs, keptMs: 24 * HOUR_MS, maxBytes: 1e9 };
    expect(overdue([...kept, ...old], limits, new Set())).toEqual({ aged: old, crowded: [] });
    expect(overdue(old, limits, new Set(old.map(({ path }) => path))).aged).toEqual([]);
  });

  test('what has to go: what is too old, then the oldest until the rest fits; never what is being written', () => {
    const nowMs = Date.UTC(2026, 10, 25, 12, 30);
    const segment = fc.record({ age: fc.integer({ min: 0, max: 40 }), bytes: fc.integer({ min: 1, max: 100 }), isInUse: fc.boolean() });
    fc.assert(
      fc.property(fc.array(segment), fc.integer({ min: 0, max: 2_000 }), (drafts, maxBytes) => {
        const places = drafts
          .map(({ age, bytes }, index): SegmentPlace & { age: number } => {
            return { monitor: 'm', session: 's', hour: hourOf(nowMs - age * HOUR_MS), path: String(index), bytes, writtenMs: nowMs, age };
          })
          .sort((a, b) => b.age - a.age);
        const inUse = new Set(drafts.flatMap(({ isInUse }, index) => (isInUse ? [String(index)] : [])));
        const { aged, crowded } = overdue(places, { nowMs, keptMs: 24 * HOUR_MS, maxBytes }, inUse);
        const gone = new Set([...aged, ...crowded]);
        const kept = places.filter((place) => !gone.has(place));
        expect([...gone].some((place) => inUse.has(place.path))).toBe(false);
        expect(kept.every((place) => place.age <= 24 || inUse.has(place.path))).toBe(true);
        const removable = kept.filter((place) => !inUse.has(place.path));
        const bytes = kept.reduce((sum, place) => sum + place.bytes, 0);
        expect(bytes <= maxBytes || removable.length === 0).toBe(true);
        const youngestGone = Math.min(...crowded.map((place) => (place as (typeof places)[number]).age));
        expect(removable.every((place) => place.age <= youngestGone)).toBe(true);
      }),
    );
  });
});
