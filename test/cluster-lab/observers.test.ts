// What the observer of a cluster promises, at real Kubernetes: all that every observer does.
import { describe } from 'vitest';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { readPrograms } from '../../src/lab/cluster/program-records.ts';
import { OBSERVERS } from '../../src/observers/index.ts';
import { observerContract, undoing, type WorldUnderTest } from '../contract/observer/observer-contract.ts';
import { theClusterLab } from '../support/a-cluster-lab.ts';
import { systemClient } from '../support/cluster-objects.ts';

const lab = theClusterLab();
const { cluster, vips, nodes } = lab.environment;
/** Blind, and gives up a call, sooner than it does for a user. */
const BRISK = { callMs: 5_000, pulse: { everyMs: 500, answerMs: 2_000 } };

const theCluster: WorldUnderTest = {
  againMs: BRISK.pulse.everyMs + BRISK.pulse.answerMs,
  async open() {
    if (cluster === null) throw new Error('this lab has no cluster');
    const client = await openCluster(cluster, BRISK);
    const world = { routers: [], cluster: { client, metallbNamespace: cluster.metallbNamespace }, vips, nodes };
    return { world, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
  },
  async change() {
    await cordon(true);
    return undoing(() => cordon(false));
  },
  goAway: freeze,
  freeze,
};

/** An API server that is killed is back at once; a frozen one is away for as long as a test wants. */
function freeze(): Promise<AsyncDisposable> {
  const pid = readPrograms(lab.stateFolder).find(({ name }) => name === 'kube-apiserver')?.identity?.pid;
  if (pid === undefined) throw new Error('the API server does not run');
  process.kill(pid, 'SIGSTOP');
  return Promise.resolve(undoing(() => process.kill(pid, 'SIGCONT')));
}

async function cordon(unschedulable: boolean): Promise<void> {
  await using client = await systemClient(lab);
  const ref = { resource: RESOURCES.nodes, name: 'n1' };
  await client.patch(ref, { kind: 'merge', body: { spec: { unschedulable: unschedulable || null } } }, {}, AbortSignal.timeout(20_000));
}

describe.each(OBSERVERS.filter((each) => each.watches({ routers: [], cluster }).length > 0))('the observer $name', (observer) => {
  observerContract(observer, () => theCluster);
});
