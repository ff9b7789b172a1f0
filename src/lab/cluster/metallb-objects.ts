// MetalLB as Kubernetes objects: speakers, and what they are to say to the lab's router. Pure.
import type { KubeObject } from '../../cluster/kube-client.ts';
import { frrFolder, type LabPlan, NODES_ASN, ROUTER_ASN } from '../address-plan.ts';
import { groupFile } from '../state-folder.ts';
import type { Programs } from '../programs.ts';
import { kubeconfigPath } from './cluster-files.ts';
import { clusterOptions } from './cluster-options.ts';

export const METALLB_NAMESPACE = 'metallb-system';
/** MetalLB's controller looks for a pod of its own; this one is never scheduled. */
export const METALLB_CONTROLLER_POD = 'controller-0';
const SPEAKER_LABELS = { app: 'metallb', component: 'speaker' };

/** The pod object that MetalLB's controller wants to find; the controller itself is a process of the lab's supervisor. */
export function controllerPod(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: METALLB_CONTROLLER_POD, namespace: METALLB_NAMESPACE, labels: { app: 'metallb', component: 'controller' } },
    spec: { schedulerName: 'none', containers: [{ name: 'controller', image: 'process/metallb-controller' }] },
  };
}

/** One speaker a node, in the node's own network; `command` is how a speaker of the lab's backend is started. */
export function speakers(plan: LabPlan, command: readonly string[]): KubeObject {
  const environment = {
    KUBECONFIG: kubeconfigPath(plan.stateFolder, 'system'),
    METALLB_NAMESPACE,
    METALLB_BGP_TYPE: clusterOptions(plan).backend,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'speaker', namespace: METALLB_NAMESPACE, labels: SPEAKER_LABELS },
    spec: {
      selector: { matchLabels: SPEAKER_LABELS },
      template: {
        metadata: { labels: SPEAKER_LABELS },
        spec: {
          hostNetwork: true,
          terminationGracePeriodSeconds: 2,
          // As MetalLB's own manifest: a cordoned or silent node keeps its speaker.
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'speaker',
              image: 'process/metallb-speaker',
              command,
              env: [
                ...Object.entries(environment).map(([name, value]) => ({ name, value })),
                { name: 'METALLB_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                { name: 'METALLB_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
            },
          ],
        },
      },
    },
  };
}

/**
 * How a speaker of the lab's backend is started.
 * @param script `deploy/lab/frr-speaker.sh`, which gives a speaker of the backend `frr` an FRR of its own
 */
export function speakerCommand(plan: LabPlan, programs: Programs, script: string): string[] {
  const speaker = [programs.paths['metallb-speaker'], '--log-level=info', '--port=9120'];
  switch (clusterOptions(plan).backend) {
    case 'native':
      return speaker;
    case 'frr':
      return [
        'bash',
        script,
        `${frrFolder(plan.stateFolder, 'speaker')}-$(METALLB_NODE_NAME)`,
        groupFile(plan.stateFolder),
        programs.frrReloader,
        ...speaker,
      ];
  }
}

/** The addresses there are, whom to tell of them, and that all of them are told by every node. */
export function metallbConfiguration(plan: LabPlan): KubeObject[] {
  const { file, router, environment } = plan;
  const isNative = file.lab.cluster?.backend !== 'frr';
  const named = (apiVersion: string, kind: string, name: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name, namespace: METALLB_NAMESPACE },
    spec,
  });
  return [
    named('metallb.io/v1beta1', 'IPAddressPool', 'vips', {
      addresses: environment.vips.map(({ address }) => `${address}/32`),
      // Every Service of the lab names its own address: others must not take one of them.
      autoAssign: false,
    }),
    // For Services that others make, faults among them: they say no address, and get one here.
    named('metallb.io/v1beta1', 'IPAddressPool', 'spare', { addresses: [spareBlock(plan)] }),
    named('metallb.io/v1beta2', 'BGPPeer', router.name, {
      myASN: NODES_ASN,
      peerASN: ROUTER_ASN,
      peerAddress: router.id,
      holdTime: `${String(Math.round(file.lab.holdTime / 1_000))}s`,
      // The native backend refuses the field, and redials after a second or two by itself.
      ...(isNative ? {} : { connectTime: '1s' }),
    }),
    named('metallb.io/v1beta1', 'BGPAdvertisement', 'vips', { ipAddressPools: ['vips', 'spare'] }),
  ];
}

/** Eight addresses of the VIPs' own subnet, above any VIP. */
function spareBlock({ environment }: LabPlan): string {
  return `${environment.vips[0]?.address.replace(/\d+$/, '240') ?? ''}/29`;
}
