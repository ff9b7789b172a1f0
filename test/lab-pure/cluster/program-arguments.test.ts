import { expect, test } from 'vitest';
import { planLab } from '../../../src/lab/address-plan.ts';
import { controlPlaneOf } from '../../../src/lab/cluster/cluster-options.ts';
import { kubeconfigText, tokenFile } from '../../../src/lab/cluster/kubeconfig.ts';
import * as start from '../../../src/lab/cluster/program-arguments.ts';
import { PROGRAMS, type Programs } from '../../../src/lab/programs.ts';
import { aClusterLabFile } from '../../support/lab-file.ts';

const plan = planLab(aClusterLabFile({ proxyMode: 'iptables', backend: 'frr' }), { name: 'x', prefix: 'hf', uid: 0 });
const paths = Object.fromEntries(PROGRAMS.map((name) => [name, `/p/${name}`])) as Programs['paths'];
const programs: Programs = { paths, crds: '/p/crds', frrReloader: '/p/frr-reloader.sh' };

test('each program runs in its own member’s namespace and is named for its node', () => {
  const [node] = plan.nodes;
  if (!node) throw new Error('no node was planned');
  const started = [
    start.etcd(plan, programs),
    start.apiServer(plan, programs),
    start.controllerManager(plan, programs),
    start.scheduler(plan, programs),
    start.metallbController(plan, programs),
    start.kubeProxy(plan, node, programs),
    start.kubelet(plan, node, ['holdfast']),
  ];
  expect(started.map(({ name, netns, node: of }) => [name, netns, of])).toEqual([
    ['etcd', 'hf-cp', null],
    ['kube-apiserver', 'hf-cp', null],
    ['kube-controller-manager', 'hf-cp', null],
    ['kube-scheduler', 'hf-cp', null],
    ['metallb-controller', 'hf-cp', null],
    ['kube-proxy-n1', 'hf-n1', 'n1'],
    ['kubelet-n1', 'hf-n1', 'n1'],
  ]);
  expect(started.at(-1)?.argv).toEqual(['holdfast', 'lab-kubelet', '--state', plan.stateFolder, '--node', 'n1']);
});

test('roles are enforced, and a lab’s choices reach the programs', () => {
  expect(start.apiServer(plan, programs).argv).toEqual(
    expect.arrayContaining(['--authorization-mode=RBAC', '--advertise-address=10.77.1.10', '--service-cluster-ip-range=10.77.64.0/24']),
  );
  const [node] = plan.nodes;
  if (!node) throw new Error('no node was planned');
  expect(start.kubeProxy(plan, node, programs).argv).toContain('--proxy-mode=iptables');
  expect(start.metallbController(plan, programs).argv).toContain('METALLB_BGP_TYPE=frr');
});

test('a program enters a network alone and ends with its supervisor', () => {
  expect(start.enteringArgv('hf-cp', ['etcd', '-v'])).toEqual([
    'setpriv',
    '--pdeathsig',
    'KILL',
    'nsenter',
    '--net=/run/netns/hf-cp',
    'etcd',
    '-v',
  ]);
});

test('a kubeconfig names the API server by its address, verifies it, and holds one user’s token', () => {
  const certificate = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
  const text = kubeconfigText({ controlPlane: controlPlaneOf(plan), user: 'holdfast', token: 'secret', certificate });
  const { clusters, users } = JSON.parse(text) as Record<string, Record<string, Record<string, string>>[]>;
  expect(clusters?.[0]?.cluster).toEqual({
    server: 'https://10.77.1.10:6443',
    'certificate-authority-data': Buffer.from(certificate).toString('base64'),
  });
  expect(users).toEqual([{ name: 'holdfast', user: { token: 'secret' } }]);
});

test('only the cluster itself is system:masters', () => {
  const file = tokenFile({ holdfast: 'a', 'holdfast-keeper': 'b', system: 'c' });
  expect(file).toBe('a,holdfast,holdfast,"holdfast"\nb,holdfast-keeper,holdfast-keeper,"holdfast"\nc,system,system,"system:masters"\n');
});
