// A journal survives kills, full disks and newer versions; damage elsewhere is named by its line.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalWriter, readJournal } from '../../src/io/journal-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
  path = join(folder, 'journal.ndjson');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const note = (t: number, from: string, text: string) => ({ t, from, type: 'run.note', note: text }) as const;

describe('the writer', () => {
  test('numbers events per writer and has each in the file at once', () => {
    using journal = new JournalWriter(path);
    journal.append(note(0, 'runner', 'a'));
    journal.append(note(1, 'prober:v1', 'b'));
    expect(journal.append(note(2, 'runner', 'c')).seq).toBe(1);
    journal.sync();
    expect(readFileSync(path, 'utf8').split('\n')).toEqual([
      '{"t":0,"from":"runner","seq":0,"type":"run.note","note":"a"}',
      '{"t":1,"from":"prober:v1","seq":0,"type":"run.note","note":"b"}',
      '{"t":2,"from":"runner","seq":1,"type":"run.note","note":"c"}',
      '',
    ]);
  });

  test('never overwrites a journal', () => {
    writeFileSync(path, 'precious\n');
    expect(() => new JournalWriter(path)).toThrow(expect.objectContaining({ code: 'DISK' }));
    expect(readFileSync(path, 'utf8')).toBe('precious\n');
  });

  /** Measures until the disk takes no more, then once more, shortly. `blocks` are 512 or 1,024 bytes: a write that crosses the limit is cut short. */
  async function writeUntilFull(blocks: number): Promise<string> {
    const program = `
      import { JournalWriter } from ${JSON.stringify(join(import.meta.dirname, '../../src/io/journal-file.ts'))};
      const event = (t, note) => ({ t, from: 'prober:v1', type: 'run.note', note });
      const told = (what) => { try { what(); return 'taken'; } catch (error) { return error.code + ': ' + error.remedy; } };
      const outcome = told(() => {
        const journal = new JournalWriter(process.argv[1]);
        const full = told(() => { for (let t = 0; ; t += 1) journal.append(event(t, 'x'.repeat(300))); });
        const after = told(() => journal.append(event(9e9, '')));
        process.stdout.write([full, after].join('\\n') + '\\n');
      });
      process.stdout.write(outcome);`;
    const command = `trap "" XFSZ; ulimit -f ${String(blocks)}; exec "$0" --input-type=module -e "$1" -- "$2"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program, path]);
    return stdout;
  }

  test('on a full disk refuses with a remedy and leaves whole lines only', async () => {
    const [full, after] = (await writeUntilFull(80)).split('\n');
    expect(full).toMatch(/^DISK: make room on the disk/);
    // It would have fitted: but whoever reads on after a hole must not take it for silence.
    expect(after).toBe(full);
    const reading = await readJournal(path);
    expect(reading.tornLine).toBeNull();
    expect(reading.events.length).toBeGreaterThan(50);
  });

  test('on a disk that is too full for any run refuses at once and leaves nothing', async () => {
    expect(await writeUntilFull(8)).toMatch(/^DISK: make room on the disk/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the reader', () => {
  test('gives events in the order of time, writer, number', async () => {
    using journal = new JournalWriter(path);
    for (const event of [note(2, 'runner', 'd'), note(1, 'runner', 'b'), note(1, 'prober:v1', 'a'), note(1, 'runner', 'c')]) {
      journal.append(event);
    }
    const { events } = await readJournal(path);
    expect(events.map((event) => ('note' in event ? event.note : ''))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('reports a torn last line at every byte it may be cut at, and keeps all before it', async () => {
    const whole = '{"t":0,"from":"runner","seq":0,"type":"run.note","note":"Zürich"}\n';
    const bytes = Buffer.from(whole);
    for (let length = 1; length < bytes.length - 1; length += 1) {
      writeFileSync(path, Buffer.concat([bytes, bytes.subarray(0, length)]));
      const reading = await readJournal(path);
      expect(reading.events).toHaveLength(1);
      expect(reading.tornLine).not.toBeNull();
    }
    writeFileSync(path, whole + whole.trimEnd());
    expect(await readJournal(path)).toMatchObject({ events: { length: 2 }, tornLine: null });
  });

  test('leaves out and counts what a newer version wrote', async () => {
    writeFileSync(path, '{"t":0,"from":"runner","seq":0,"type":"moon.phase","phase":"full"}\n'.repeat(2));
    expect(await readJournal(path)).toEqual({ events: [], tornLine: null, unknownTypes: { 'moon.phase': 2 } });
  });

  test('names the line of a damaged journal', async () => {
    writeFileSync(path, '{"t":0,"from":"runner","seq":0,"type":"run.note","note":"a"}\n{"t":1,"fr\n');
    appendFileSync(path, '{"t":2,"from":"runner","seq":1,"type":"run.note","note":"b"}\n');
    await expect(readJournal(path)).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringContaining('journal.ndjson:2:') as string,
    });
  });

  test('names the line and the field of an event that lacks what its type needs', async () => {
    writeFileSync(path, '{"t":0,"from":"runner","seq":0,"type":"run.note"}\n');
    await expect(readJournal(path)).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringMatching(/ndjson:1: .*note/) as string,
    });
  });

  test('says which file is missing', async () => {
    await expect(readJournal(path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});
