// The life of a lab with real Kubernetes and MetalLB: what it is when it is up, and what is left when it is down.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { selfArgv } from '../../src/cli/self.ts';
import { METALLB_VERSIONS } from '../../src/core/environment.ts';
import { runCommand, tryCommand } from '../../src/io/command.ts';
import { labStatus } from '../../src/lab/lab-status.ts';
import { PROGRAMS, programFolders } from '../../src/lab/programs.ts';
import type { Dialled } from '../../src/lab/soundness.ts';
import { CLUSTER_LAB_FILE, LABS_BESIDE, theClusterLab } from '../support/a-cluster-lab.ts';
import { LAB_UID, remains } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = LABS_BESIDE.life;
const MEMBERS = ['tor', 'cp', 'n1', 'n2', 'n3', 'v1', 'v2'];
const NODES = ['n1', 'n2', 'n3'];
const lab = (verb: string, ...args: string[]) => holdfast(['lab', verb, '--prefix', PREFIX, ...args]);

beforeAll(async () => {
  await lab('down'); // what a killed test left
});
afterEach(async () => {
  await lab('down');
});

test('every VIP answers from every vantage, over TCP and UDP, and a 5-tuple always comes in by the same node', async () => {
  const { plan, stateFolder, environment } = theClusterLab();
  const found = await Promise.all(
    plan.vantages.map(async (vantage) => {
      const argv = selfArgv('lab-dialler', '--state', stateFolder, '--vantage', vantage.name);
      return JSON.parse(await runCommand(argv, { place: vantage, timeoutMs: 30_000 })) as Dialled;
    }),
  );
  expect(found).toHaveLength(2);
  for (const dials of found) {
    expect(dials.filter(({ first, second }) => first !== second || !NODES.includes(first))).toEqual([]);
    const conversations = new Set(dials.map(({ what }) => what.replace(/ from \S+ port \d+/, '')));
    expect([...conversations].sort()).toEqual(environment.vips.flatMap(({ name }) => [`tcp to ${name}`, `udp to ${name}`]).sort());
    expect(new Set(dials.map(({ first }) => first))).toEqual(new Set(NODES));
  }
});

test('its status lists every member, the programs of the control plane, and what each node announces', async () => {
  const lab = theClusterLab();
  // What a test before this one did may be settling still.
  await eventually(async () => {
    const { members } = await labStatus(lab, AbortSignal.timeout(20_000));
    expect(members.map(({ name }) => name)).toEqual(MEMBERS);
    const [router, controlPlane, ...rest] = members;
    expect(router?.sessions).toEqual(NODES.map((node) => ({ node, state: 'Established' })));
    expect(controlPlane?.programs?.filter(({ isRunning }) => !isRunning)).toEqual([]);
    expect(controlPlane?.programs?.map(({ name }) => name).sort()).toEqual(
      PROGRAMS.filter((name) => name !== 'kube-proxy' && name !== 'metallb-speaker').sort(),
    );
    for (const node of rest.filter(({ role }) => role === 'node')) {
      expect(node).toMatchObject({ vips: lab.environment.vips.map(({ name }) => name), isServing: true });
      expect(node.cluster).toMatchObject({ condition: 'Ready', isSpeakerReady: true, isProxyRunning: true });
    }
  }, 60_000);
});

test('a lab beside it comes up by a command, tells its members, and goes without a trace', async () => {
  const up = await lab('up', CLUSTER_LAB_FILE);
  expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining(`The lab ${PREFIX} is up`) as string });
  const status = await lab('status', '--json');
  expect(status).toMatchObject({ code: 0, stderr: '' });
  const { members } = JSON.parse(status.stdout) as { members: { name: string; netns: string }[] };
  expect(members.map(({ name, netns }) => [name, netns])).toEqual(MEMBERS.map((name) => [name, `${PREFIX}-${name}`]));
  expect((await lab('exec', 'n2', '--', 'ip', '-br', 'address', 'show', 'eth0')).stdout).toContain('10.77.1.12/24');
  expect((await lab('down')).stdout).toContain(`The lab ${PREFIX} is gone`);
  expect(await remains(PREFIX)).toEqual([]);
});

test.skipIf(LAB_UID !== 0)(
  'an ordinary user builds and removes one, with programs that lie where they may read (only root can try)',
  async () => {
    const nobody = 65_534;
    const cache = mkdtempSync(join(tmpdir(), 'holdfast-cache-'));
    const asNobody = async (...args: string[]) => {
      const user = ['setpriv', '--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'] as const;
      const argv = ['env', `HOLDFAST_CACHE=${cache}`, process.execPath, 'src/cli/main.ts', 'lab', ...args, '--prefix', PREFIX];
      return await tryCommand([...user, ...argv], { timeoutMs: 200_000 });
    };
    try {
      const folders = await programFolders({ sources: 'deploy/lab/programs', metallb: METALLB_VERSIONS[0] });
      const theirs = `${cache}/holdfast/programs`;
      await runCommand(['mkdir', '-p', theirs]);
      await runCommand(['cp', '-r', '--reflink=auto', ...Object.values(folders), theirs], { timeoutMs: 60_000 });
      await runCommand(['chown', '-R', String(nobody), cache]);
      const up = await asNobody('up', CLUSTER_LAB_FILE);
      expect(up.stderr + up.stdout).toContain(`The lab ${PREFIX} is up`);
      expect((await asNobody('status')).stdout).toContain('BGP Established: n1 n2 n3');
    } finally {
      expect((await asNobody('down')).stdout).toContain(`The lab ${PREFIX} is gone`);
      rmSync(cache, { recursive: true });
    }
    expect(await remains(PREFIX, nobody)).toEqual([]);
  },
);
