// The supervisor of a cluster lab: it starts again what dies, nothing outlives it, and what it cannot do it says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { identityOf, isAlive } from '../../src/io/process-identity.ts';
import { labStateFolder } from '../../src/lab/address-plan.ts';
import { kubeconfigPath } from '../../src/lab/cluster/cluster-files.ts';
import { type ProgramRecord, readPrograms } from '../../src/lab/cluster/program-records.ts';
import { labStatus } from '../../src/lab/lab-status.ts';
import { LABS_BESIDE, theClusterLab } from '../support/a-cluster-lab.ts';
import { LAB_UID, remains } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = LABS_BESIDE.supervisor;
const QUICK = 'deploy/lab/metallb-quick.yaml';
const lab = (...args: string[]) => holdfast(['lab', ...args, '--prefix', PREFIX]);

beforeAll(async () => {
  await lab('down'); // what a killed test left
});
afterEach(async () => {
  await lab('down');
});

test('a program that dies is started again, and the cluster goes on', async () => {
  const { stateFolder, environment } = theClusterLab();
  const recordOf = (name: string) => readPrograms(stateFolder).find((each) => each.name === name);
  const before = (['kube-apiserver', 'kube-proxy-n1', 'metallb-controller'] as const).map(recordOf);
  for (const { identity } of before as ProgramRecord[]) process.kill(identity?.pid ?? 0, 'SIGKILL');
  await eventually(async () => {
    for (const { name, restarts, identity } of before as ProgramRecord[]) {
      const now = recordOf(name);
      expect(now?.restarts).toBeGreaterThan(restarts);
      expect(now?.identity).not.toEqual(identity);
      expect(now?.identity !== null && now !== undefined && isAlive(now.identity)).toBe(true);
    }
    const { members } = await labStatus(theClusterLab(), AbortSignal.timeout(10_000));
    for (const node of members.filter(({ role }) => role === 'node')) {
      expect(node).toMatchObject({ vips: environment.vips.map(({ name }) => name), isServing: true });
      expect(node.cluster).toMatchObject({ condition: 'Ready', isSpeakerReady: true, isProxyRunning: true });
    }
  }, 60_000);
});

test('Holdfast’s user reads by its role and may not change anything; its keeper may cordon; neither is an administrator', async () => {
  const { environment, stateFolder } = theClusterLab();
  const { cluster } = environment;
  if (!cluster) throw new Error('no cluster');
  const signal = AbortSignal.timeout(20_000);
  const may = async (kubeconfig: string, verb: string, resource: (typeof RESOURCES)[keyof typeof RESOURCES]) => {
    await using client = await openCluster({ ...cluster, kubeconfig });
    return await client.mayI({ verb, resource }, signal);
  };
  const reader = kubeconfigPath(stateFolder, 'holdfast');
  const keeper = kubeconfigPath(stateFolder, 'holdfast-keeper');
  expect(cluster.kubeconfig).toBe(reader);
  expect(await may(reader, 'list', RESOURCES.services)).toBe(true);
  expect(await may(reader, 'patch', RESOURCES.nodes)).toBe(false);
  expect(await may(keeper, 'patch', RESOURCES.nodes)).toBe(true);
  expect(await may(keeper, 'delete', RESOURCES.nodes)).toBe(false);
});

test('no program outlives a supervisor that was killed; pods do, as those of a real node do, until down removes them', async () => {
  expect((await lab('up', QUICK)).stderr).not.toContain('error');
  const folder = labStateFolder(PREFIX, LAB_UID);
  const programs = readPrograms(folder);
  expect(programs.length).toBeGreaterThan(8);
  const { pid } = JSON.parse(readFileSync(join(folder, 'controller.json'), 'utf8')) as { pid: number };
  expect(identityOf(pid)).not.toBeNull();
  process.kill(pid, 'SIGKILL');
  await eventually(() => {
    expect(programs.filter(({ identity }) => identity !== null && isAlive(identity))).toEqual([]);
  }, 5_000);
  expect((await lab('status')).stderr).toContain(`controller of the lab ${PREFIX} is gone`);
  await lab('down');
  expect(await remains(PREFIX)).toEqual([]);
});
