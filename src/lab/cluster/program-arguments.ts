// The command lines of a cluster's programs: pure.
import type { Argv } from '../../io/command.ts';
import type { LabMember, LabPlan } from '../address-plan.ts';
import type { Programs } from '../programs.ts';
import { clusterFiles, kubeconfigPath } from './cluster-files.ts';
import { clusterOptions, controlPlaneOf } from './cluster-options.ts';
import { API_PORT } from './kubeconfig.ts';
import { METALLB_NAMESPACE, METALLB_CONTROLLER_POD } from './metallb-objects.ts';

/** A program of the cluster: its name, the namespace it runs in, its command line, and the node it belongs to (null: control plane). */
export type ClusterProgram = { name: string; netns: string; node: string | null; argv: Argv };

const ETCD = 'http://127.0.0.1:2379';

/** Controllers that this cluster has a use for: no cloud, no volumes, no certificates. */
const CONTROLLERS = [
  'endpointslice-controller',
  'endpoints-controller',
  'node-lifecycle-controller',
  'taint-eviction-controller',
  'deployment-controller',
  'replicaset-controller',
  'daemonset-controller',
  'disruption-controller',
  'namespace-controller',
  'garbage-collector-controller',
  'pod-garbage-collector-controller',
  'service-cidr-controller',
  'clusterrole-aggregation-controller',
];

/** etcd: its data matters to nobody after the lab, so that it need not wait for the disk. */
export function etcd(plan: LabPlan, { paths }: Programs): ClusterProgram {
  return inControlPlane(plan, 'etcd', [
    paths.etcd,
    ...['--data-dir', clusterFiles(plan.stateFolder).etcd, '--unsafe-no-fsync', '--log-level', 'warn'],
    ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD, '--listen-peer-urls', 'http://127.0.0.1:2380'],
  ]);
}

/** kube-apiserver: roles are enforced, tokens come from a file, service accounts have none. */
export function apiServer(plan: LabPlan, { paths }: Programs): ClusterProgram {
  const { address, serviceCidr } = controlPlaneOf(plan);
  const files = clusterFiles(plan.stateFolder);
  return inControlPlane(plan, 'kube-apiserver', [
    paths['kube-apiserver'],
    `--etcd-servers=${ETCD}`,
    ...[
      '--bind-address=0.0.0.0',
      `--advertise-address=${address}`,
      `--secure-port=${String(API_PORT)}`,
      `--cert-dir=${files.certificates}`,
    ],
    ...['--authorization-mode=RBAC', `--token-auth-file=${files.tokens}`],
    ...['--service-account-issuer=https://holdfast.lab', '--disable-admission-plugins=ServiceAccount'],
    ...[`--service-account-signing-key-file=${files.accountKey}`, `--service-account-key-file=${files.accountKey}`],
    ...[`--service-cluster-ip-range=${serviceCidr}`, '--endpoint-reconciler-type=none', '--profiling=false'],
  ]);
}

/** kube-controller-manager, with Kubernetes' own timers: a node that is silent is NotReady after 50 s. */
export function controllerManager(plan: LabPlan, { paths }: Programs): ClusterProgram {
  return inControlPlane(plan, 'kube-controller-manager', [
    paths['kube-controller-manager'],
    ...[`--kubeconfig=${system(plan)}`, '--leader-elect=false', '--secure-port=0', '--profiling=false'],
    ...['--use-service-account-credentials=false', `--controllers=${CONTROLLERS.join(',')}`],
  ]);
}

/** kube-scheduler. */
export function scheduler(plan: LabPlan, { paths }: Programs): ClusterProgram {
  return inControlPlane(plan, 'kube-scheduler', [
    paths['kube-scheduler'],
    ...[`--kubeconfig=${system(plan)}`, '--leader-elect=false', '--secure-port=0', '--profiling=false'],
  ]);
}

/** MetalLB's controller: it hands out the addresses that Services ask for. */
export function metallbController(plan: LabPlan, { paths }: Programs): ClusterProgram {
  const environment = {
    KUBECONFIG: system(plan),
    METALLB_NAMESPACE,
    METALLB_POD_NAME: METALLB_CONTROLLER_POD,
    METALLB_BGP_TYPE: clusterOptions(plan).backend,
  };
  return inControlPlane(plan, 'metallb-controller', [
    'env',
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...[paths['metallb-controller'], '--webhook-mode=disabled', '--log-level=info', '--port=0'],
  ]);
}

/** kube-proxy of a node. */
export function kubeProxy(plan: LabPlan, node: LabMember, { paths }: Programs): ClusterProgram {
  return onNode(node, 'kube-proxy', [
    paths['kube-proxy'],
    ...[`--kubeconfig=${system(plan)}`, `--hostname-override=${node.name}`, `--proxy-mode=${clusterOptions(plan).proxyMode}`],
    // What came from a pod of this node needs no masquerading: told by the node's own pod CIDR, one a node.
    '--detect-local-mode=NodeCIDR',
    // These limits belong to the machine, and cannot be written from a namespace.
    ...['--conntrack-max-per-core=0', '--conntrack-min=0', '--conntrack-tcp-timeout-established=0s'],
    ...['--conntrack-tcp-timeout-close-wait=0s', '--profiling=false'],
  ]);
}

/** The kubelet stand-in of a node: this program. */
export function kubelet(plan: LabPlan, node: LabMember, program: Argv): ClusterProgram {
  return onNode(node, 'kubelet', [...program, 'lab-kubelet', '--state', plan.stateFolder, '--node', node.name]);
}

/**
 * `argv` as it must be started to run in `netns` and to end with its starter.
 * Not by `ip netns exec`, which also takes a view of the file system of its own: namespaces made in there would be seen by nobody.
 */
export function enteringArgv(netns: string, argv: Argv): Argv {
  return ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${netns}`, ...argv];
}

function inControlPlane(plan: LabPlan, name: string, argv: Argv): ClusterProgram {
  return { name, netns: controlPlaneOf(plan).netns, node: null, argv };
}

function onNode(node: LabMember, name: string, argv: Argv): ClusterProgram {
  return { name: `${name}-${node.name}`, netns: node.netns, node: node.name, argv };
}

function system(plan: LabPlan): string {
  return kubeconfigPath(plan.stateFolder, 'system');
}
