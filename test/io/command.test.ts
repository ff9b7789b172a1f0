import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryCommand } from '../../src/io/command.ts';
import { identityOf } from '../../src/io/process-identity.ts';
import { eventually } from '../support/eventually.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-command-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const readPid = () => Number(readFileSync(join(folder, 'pid'), 'utf8'));

test('a command that is cut off by its time limit takes its children with it, and is not waited for because of them', async () => {
  const script = `sleep 1000 & echo $! >${folder}/pid; wait`;
  await expect(tryCommand(['sh', '-c', script], { timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await eventually(() => {
    expect(identityOf(readPid())).toBeNull();
  });
});

test('who left the session and keeps the output open delays nobody', async () => {
  const script = `setsid sh -c 'echo $$ >${folder}/pid; exec sleep 1000' & wait`;
  await expect(tryCommand(['sh', '-c', script], { timeoutMs: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  process.kill(readPid(), 'SIGKILL');
});

test('an aborted command takes its children with it as well', async () => {
  const abort = new AbortController();
  const running = tryCommand(['sh', '-c', `sleep 1000 & echo $! >${folder}/pid; wait`], { timeoutMs: 60_000, signal: abort.signal });
  const pid = await eventually(() => {
    const child = readPid();
    expect(identityOf(child)).not.toBeNull();
    return child;
  });
  const refused = expect(running).rejects.toThrow('enough');
  abort.abort(new Error('enough'));
  await refused;
  await eventually(() => {
    expect(identityOf(pid)).toBeNull();
  });
});
