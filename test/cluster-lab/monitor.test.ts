// A monitor of the whole service on real Kubernetes and MetalLB: a path that the cluster intends and the router lacks is found, named and
// resolved; a healthy cluster, and one whose intent changes, come to no such finding.
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../src/core/finding.ts';
import { type KubeClient, RESOURCES } from '../../src/cluster/kube-client.ts';
import { CLUSTER_LAB_FILE, theClusterLab } from '../support/a-cluster-lab.ts';
import { hopsTo } from '../support/a-lab.ts';
import { aWrongAsn, systemClient } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { aService, type RunningService } from '../support/running-service.ts';

const lab = theClusterLab();
const ALL = ['n1', 'n2', 'n3'];
let open: AsyncDisposableStack;
let client: KubeClient;
let service: RunningService;
beforeAll(async () => {
  open = new AsyncDisposableStack();
  client = open.use(await systemClient(lab));
  await untilHops(ALL);
  const flows = ['tcp-hold', 'udp-twin'].map((probe) => ({ probe, vip: 'web', count: 24 }));
  const config = { environments: [resolve(CLUSTER_LAB_FILE)], monitors: [{ name: 'web', environment: 'metallb', flows }] };
  service = open.use(await aService({ prefix: lab.plan.prefix, keepsLab: true, config }));
});
afterAll(async () => {
  await open.disposeAsync();
  await untilHops(ALL);
});

async function untilHops(nodes: readonly string[]): Promise<void> {
  await eventually(async () => {
    expect((await hopsTo(lab, 'web')).toSorted()).toEqual(nodes);
  }, 60_000);
}

/** The observer must have spoken, too: what changed before is no change to a monitor. */
async function untilAlive(): Promise<void> {
  await eventually(async () => {
    const [web] = await service.monitors();
    const alive = web?.paths.filter(({ state, protocol }) => state === 'ok' && protocol === 'udp').map(({ ingress }) => ingress);
    expect([...new Set(alive)].sort()).toEqual(ALL);
    const [told] = web?.nextHops ?? [];
    expect([told?.from, told?.nodes?.toSorted()]).toEqual(['observer', ALL]);
  }, 60_000);
}

const ofIntent = async () => (await service.findings()).filter(({ kind }) => kind === 'path-not-as-intended');

test('a node that is excluded and comes back: the wire follows the intent, and nothing is found', async () => {
  await untilAlive();
  const node = { resource: RESOURCES.nodes, name: 'n3' };
  const exclude = (value: string | null) => {
    const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': value };
    return client.patch(node, { kind: 'merge', body: { metadata: { labels } } }, {}, AbortSignal.timeout(20_000));
  };
  try {
    await exclude('');
    await eventually(async () => {
      const changes = (await service.findings()).filter(({ kind, subject }) => kind === 'next-hops-changed' && subject === 'n3');
      // A contradiction of then would have been found by now.
      expect(changes[0]?.openedMs).toBeLessThan(Date.now() - 30_000);
    }, 60_000);
  } finally {
    await exclude(null);
  }
  await untilHops(ALL);
  expect(await ofIntent()).toEqual([]);
});

test('a BGPPeer of the wrong AS number: the missing path is found and named, and resolved once the router has it', async () => {
  let found: Finding | undefined;
  {
    await using _ = await aWrongAsn(client, 'n2');
    found = await eventually(async () => {
      const findings = await ofIntent();
      expect(findings, JSON.stringify(await service.monitors())).toHaveLength(1);
      return findings[0];
    }, 60_000);
  }
  expect(found).toMatchObject({
    vip: 'web',
    subject: 'n2',
    state: 'open',
    severity: 'warn',
    sentence: 'n2 should advertise web, and tor has no path by it (a missing path).',
  });
  const [what, look] = found?.details ?? [];
  expect(what).toContain('BGPPeer wrong-asn asks for AS 64500 to AS 64999 at 10.77.1.1.');
  expect(what).toMatch(/tor’s session with it is (Idle|Active|Connect|OpenSent|OpenConfirm)/);
  expect(look).toMatch(/^Look at AS numbers/);
  await eventually(async () => {
    const findings = await ofIntent();
    expect(findings.map(({ id, state }) => [id, state])).toEqual([[found?.id, 'resolved']]);
    expect(findings[0]?.sentence).toMatch(/^The path of web by n2 was missing for .* as tor showed; intent and wire agree again\.$/);
  }, 90_000);
});
