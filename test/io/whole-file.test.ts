// Files that belong together are replaced together, or not at all.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeWholeFiles } from '../../src/io/whole-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-whole-file-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('where the second file finds no room, the first stays as it was and no draft is left', async () => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  writeWholeFiles([[first, 'old']]);
  const program = `
    import { writeWholeFiles } from ${JSON.stringify(join(import.meta.dirname, '../../src/io/whole-file.ts'))};
    try {
      writeWholeFiles([[process.argv[1], 'new'], [process.argv[2], 'x'.repeat(20_000)]]);
    } catch (error) {
      process.stdout.write(error.code + ' ' + error.message);
    }`;
  // 8 blocks of 512 or 1,024 bytes: a write that crosses the limit is cut short, as on a full disk.
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" -- "$2" "$3"',
    ...[process.execPath, program, first, second],
  ]);
  expect(stdout).toContain(`DISK cannot write ${second}: EFBIG`);
  expect(readdirSync(folder)).toEqual(['first']);
  expect(readFileSync(first, 'utf8')).toBe('old');
});
