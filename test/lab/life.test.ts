// A lab's life as a person leads it: up, looked into, down, interrupted, killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { runCommand, tryCommand } from '../../src/io/command.ts';
import { labStateFolder } from '../../src/lab/address-plan.ts';
import { LAB_UID, remains } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const QUICK = 'deploy/lab/quick.yaml';
const lab = (...args: string[]) => holdfast(['lab', ...args]);

afterEach(async () => {
  for (const prefix of ['tlife', 'tbeside']) await lab('down', '--prefix', prefix);
});

test('two labs live side by side, a third under a used prefix is refused, and each goes without a trace', async () => {
  const [first, second] = await Promise.all([lab('up', QUICK, '--prefix', 'tlife'), lab('up', QUICK, '--prefix', 'tbeside')]);
  expect(first.stdout).toContain('The lab tlife is up');
  expect(second.stdout).toContain('The lab tbeside is up');

  const again = await lab('up', QUICK, '--prefix', 'tlife');
  expect(again.code).toBe(4);
  expect(again.stderr).toContain('holdfast lab down --prefix tlife');

  expect((await lab('down', '--prefix', 'tbeside')).code).toBe(0);
  expect(await remains('tbeside')).toEqual([]);

  const inside = await lab('exec', 'n2', '--prefix', 'tlife', '--', 'ip', '-br', 'address', 'show', 'eth0');
  expect(inside.stdout).toContain('10.77.1.12/24');
  expect((await lab('exec', 'n2', '--prefix', 'tlife', '--', 'sh', '-c', 'exit 7')).code).toBe(7);
  const unknown = await lab('exec', 'n22', '--prefix', 'tlife', '--', 'true');
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean n2?') as string });
  expect((await lab('status', '--prefix', 'tlife')).stdout).toContain('BGP Established: n1 n2 n3');

  expect((await lab('down', '--prefix', 'tlife')).stdout).toContain('6 namespaces');
  expect(await remains('tlife')).toEqual([]);
  expect((await lab('down', '--prefix', 'tlife')).stdout).toBe('There is no lab tlife.\n');
});

test('without a lab, status says how to get one', async () => {
  expect(await lab('status', '--prefix', 'tlife')).toMatchObject({ code: 4, stderr: expect.stringContaining('holdfast lab up') as string });
});

test('a namespace that somebody else named so is not built into, and never removed', async () => {
  await runCommand(['ip', 'netns', 'add', 'tlife-n2']);
  try {
    const refused = await lab('up', QUICK, '--prefix', 'tlife');
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('tlife-n2 already') as string });
    expect((await lab('down', '--prefix', 'tlife')).stdout).toBe('There is no lab tlife.\n');
    expect(await remains('tlife')).toEqual(['tlife-n2']);
  } finally {
    await runCommand(['ip', 'netns', 'delete', 'tlife-n2']);
  }
});

test('a lab whose files were deleted is known by the mark of its namespaces', async () => {
  await lab('up', QUICK, '--prefix', 'tlife');
  const folder = labStateFolder('tlife', LAB_UID);
  rmSync(folder, { recursive: true });
  expect((await lab('up', QUICK, '--prefix', 'tlife')).stderr).toContain('lab down --prefix tlife removes it');
  expect((await lab('down', '--prefix', 'tlife')).stdout).toContain('6 namespaces');
  await eventually(async () => {
    expect(await remains('tlife')).toEqual([]);
  });
});

test('Ctrl-C while a lab is being built removes all of it', async () => {
  const { code } = await upUntil('waiting for BGP', 'SIGINT');
  expect(code).toBe(130);
  expect(await remains('tlife')).toEqual([]);
});

test('what a killed build left is seen, and taken down', async () => {
  await upUntil('waiting for BGP', 'SIGKILL');
  expect((await lab('status', '--prefix', 'tlife')).stderr).toContain('half-built');
  expect((await lab('up', QUICK, '--prefix', 'tlife')).code).toBe(4);
  await lab('down', '--prefix', 'tlife');
  expect(await remains('tlife')).toEqual([]);
});

test('a lab whose controller was killed says so; no responder outlives it, and down removes the rest', async () => {
  await lab('up', QUICK, '--prefix', 'tlife');
  const folder = labStateFolder('tlife', LAB_UID);
  const { pid } = JSON.parse(readFileSync(join(folder, 'controller.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await eventually(async () => {
    expect((await remains('tlife')).filter((line) => line.includes('respond'))).toEqual([]);
  }, 5_000);
  expect((await lab('status', '--prefix', 'tlife')).stderr).toContain('controller of the lab tlife is gone');
  await lab('down', '--prefix', 'tlife');
  expect(await remains('tlife')).toEqual([]);
});

test.skipIf(LAB_UID !== 0)('an ordinary user builds, uses and removes a lab, unseen by root (only root can try)', async () => {
  const nobody = 65_534;
  const asNobody = async (verb: string, ...args: string[]) => {
    const user = ['setpriv', '--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'] as const;
    const argv = [...user, process.execPath, 'src/cli/main.ts', 'lab', verb, '--prefix', 'tlife', ...args] as const;
    return await tryCommand(argv, { timeoutMs: 60_000 });
  };
  try {
    expect((await asNobody('up', QUICK)).stdout).toContain('The lab tlife is up');
    expect((await asNobody('exec', 'v2', '--', 'id', '-u')).stdout).toBe('0\n');
    expect((await asNobody('status')).stdout).toContain('BGP Established: n1 n2 n3');
    expect((await lab('status', '--prefix', 'tlife')).stderr).toContain('not up');
  } finally {
    expect((await asNobody('down')).stdout).toContain('6 namespaces');
  }
  expect(await remains('tlife', nobody)).toEqual([]);
});

/** Begins to build and sends `signal` once the build says `step`. */
async function upUntil(step: string, signal: NodeJS.Signals): Promise<{ code: number | null }> {
  const child = spawn(process.execPath, ['src/cli/main.ts', 'lab', 'up', QUICK, '--prefix', 'tlife'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes(step)) break;
  }
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code };
}
