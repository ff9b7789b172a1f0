// An environment: where things are. Two forms of file (a lab, or one's own network) become one resolved form.
import { z } from 'zod';
import { address, block, type Family, prefix } from './addresses.ts';
import { name } from './names.ts';
import { secret } from './references.ts';
import { duration } from './units.ts';

/** `externalTrafficPolicy` of the Service behind a VIP, as the environment states it. */
export const TRAFFIC_POLICIES = ['local', 'cluster'] as const;
export type TrafficPolicy = (typeof TRAFFIC_POLICIES)[number];
export const DEFAULT_PORT = 7000;

const port = z.int().min(1).max(65_535);
const observers = z
  .union([z.literal('none'), z.array(z.enum(['routes', 'bgp', 'cluster'])).min(1)], {
    error: 'expected none, or a list of routes, bgp and cluster',
  })
  .transform((value) => (value === 'none' ? [] : value))
  .meta({
    description:
      'What tells the story of the control plane: none, or a list of routes (kernel), bgp (FRR sessions) and cluster (Kubernetes and MetalLB objects).',
  });

/** MetalLB's BGP backends that a lab can run (the third, frr-k8s, is a daemon of its own). */
export const METALLB_BACKENDS = ['native', 'frr'] as const;
/** MetalLB versions that `deploy/lab/programs` builds, the first by default. */
export const METALLB_VERSIONS = ['0.16.2', '0.15.3'] as const;

const labCluster = z.strictObject({
  metallb: z
    .enum(METALLB_VERSIONS)
    .default(METALLB_VERSIONS[0])
    .meta({ description: 'MetalLB’s version. Any but the default is built when a lab first asks for it, which takes minutes.' }),
  backend: z.enum(METALLB_BACKENDS).default('native').meta({ description: 'MetalLB’s BGP backend.' }),
  proxyMode: z.enum(['nftables', 'iptables']).default('nftables').meta({ description: 'kube-proxy’s mode.' }),
});

/** Name of a Service (RFC 1035 label). */
const SERVICE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

const serviceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/[a-z]([-a-z0-9]*[a-z0-9])?$/, { error: 'expected namespace/name of a Service' })
  .transform((text): ServiceRef => {
    const [namespace = '', serviceOnly = ''] = text.split('/');
    return { namespace, name: serviceOnly };
  });

const labVip = z.strictObject({
  name,
  policy: z.enum(TRAFFIC_POLICIES),
  family: z.union([z.literal(4), z.literal(6)], { error: 'expected 4 or 6' }).default(4),
  port: port.default(DEFAULT_PORT),
  affinity: z
    .enum(['none', 'client-ip'])
    .default('none')
    .meta({ description: 'sessionAffinity of the Service; only where the lab has a cluster.' }),
});

/** A lab: the topology that `holdfast lab up` builds on this machine. */
const labFields = z.strictObject({
  title: z.string().min(1),
  lab: z.strictObject({
    nodes: z.int().min(2).max(16).default(3),
    vantages: z.int().min(1).max(8).default(2),
    hash: z.enum(['l3', 'l4']).default('l4').meta({ description: 'Fields the router hashes: addresses only, or the 5-tuple.' }),
    nextHopGroups: z
      .union(
        [
          z.literal('hash-threshold'),
          z.strictObject({
            resilient: z.strictObject({
              buckets: z.int().min(8).max(4096).default(128),
              idleTimer: duration()
                .refine((ms) => ms % 1_000 === 0, {
                  message: 'expected whole seconds, such as 120s, or 0s for buckets that may move at once',
                })
                .meta({ description: 'How long a bucket must be idle before it may move to a hop that returned; 0s: it moves at once.' }),
            }),
          }),
        ],
        { error: 'expected hash-threshold, or { resilient: { idleTimer: 120s } }' },
      )
      .default('hash-threshold')
      .meta({ description: 'How the router spreads flows when a hop leaves: as FRR and Linux do by default, or in resilient buckets.' }),
    holdTime: duration({ minMs: 3_000, maxMs: 180_000 }).default(9_000).meta({ description: 'BGP hold time (default 9s).', default: '9s' }),
    endpointDelay: duration({ maxMs: 60_000 }).default(300).meta({
      description: 'From a responder dying or returning until nodes know (default 300ms).',
      default: '300ms',
    }),
    keeper: z
      .strictObject({
        lease: duration({ minMs: 500 })
          .default(15_000)
          .meta({ description: 'How long a fault stays when nobody renews it (default 15s).', default: '15s' }),
        quarantine: duration({ minMs: 500 })
          .default(8_000)
          .meta({ description: 'How long the janitor watches that nothing comes back after a revert (default 8s).', default: '8s' }),
      })
      .prefault({})
      .meta({ description: 'Timers of the lab’s keeper.' }),
    ipv4: block(4, 16).default('10.77.0.0/16'),
    ipv6: block(6, 48).default('fd77::/48'),
    cluster: labCluster.optional().meta({
      description: 'Real Kubernetes and MetalLB on the nodes instead of FRR and a controller of ours; {} for the defaults.',
    }),
  }),
  vips: z.array(labVip).min(1).max(32),
  observers: observers.default(['routes', 'bgp']),
});

const labEnvironment = labFields.superRefine(({ lab, vips, observers: chosen }, context) => {
  const refuse = (path: (string | number)[], message: string) => {
    context.addIssue({ code: 'custom', path, message });
  };
  for (const [index, { name: vip, family, affinity }] of vips.entries()) {
    if (lab.cluster && !SERVICE_NAME.test(vip)) {
      refuse(['vips', index, 'name'], 'expected a name that begins with a letter and has no ".": in a cluster it names a Service');
    }
    if (lab.cluster && family === 6) {
      refuse(['vips', index, 'family'], 'expected 4: a lab with a cluster has IPv4 alone; leave `lab.cluster` out for IPv6');
    }
    if (!lab.cluster && affinity !== 'none') {
      refuse(['vips', index, 'affinity'], 'expected none, or `cluster: {}` under lab: only a cluster has Services with an affinity');
    }
  }
  const cluster = chosen.indexOf('cluster');
  if (!lab.cluster && cluster >= 0)
    refuse(['observers', cluster], 'expected routes or bgp, or `cluster: {}` under lab: there is none to observe');
});

/** A network of one's own: everything that the run may use is named. */
const ownEnvironment = z.strictObject({
  title: z.string().min(1),
  vantages: z
    .array(
      z.strictObject({
        name,
        addresses: z.array(address).default([]).meta({ description: 'Source addresses; empty: the kernel picks one.' }),
      }),
    )
    .min(1)
    .default([{ name: 'here', addresses: [] }]),
  vips: z
    .array(
      z.strictObject({
        name,
        address,
        port: port.default(DEFAULT_PORT),
        policy: z.enum(TRAFFIC_POLICIES),
        service: serviceName
          .optional()
          .meta({ description: 'The Service behind it, as namespace/name; needed by faults and observers of a cluster.' }),
      }),
    )
    .min(1),
  nodes: z
    .array(z.strictObject({ name, addresses: z.array(address).min(1), podCidrs: z.array(prefix).default([]) }))
    .default([])
    .meta({ description: 'Names the hop behind an observed source address.' }),
  routers: z
    .array(
      z.strictObject({
        name,
        driver: z.enum(['frr']),
        vtysh: z.array(z.string()).default([]).meta({ description: 'Further arguments for vtysh, such as [--vty_socket, /run/frr].' }),
        addresses: z
          .array(address)
          .default([])
          .meta({
            description:
              'All addresses at which BGPPeers name it: they tell which nodes are to announce to it. Empty: not known. ' +
              'An address that other routers have too, such as that of every rack’s gateway: at each of them, or left out.',
          }),
      }),
    )
    .default([])
    .meta({ description: 'Routers on this machine whose routes and sessions may be read.' }),
  ecmp: z
    .strictObject({
      hash: z.enum(['l3', 'l4']).meta({ description: 'Fields that are hashed: addresses only, or the 5-tuple.' }),
      nextHopGroups: z
        .enum(['hash-threshold', 'resilient'])
        .meta({ description: 'hash-threshold where new flows meet every path alike; resilient where buckets stay where they were.' }),
    })
    .optional()
    .meta({
      description: 'How the routers on the way spread flows. Without it a path that no flow comes in by is in doubt, and never missing.',
    }),
  cluster: z
    .strictObject({
      kubeconfig: z
        .string()
        .optional()
        .meta({ description: 'Path of a kubeconfig; without it the service account of the pod that this runs in.' }),
      context: z.string().optional().meta({ description: 'A context of it (default: its current one).' }),
      metallbNamespace: z.string().default('metallb-system'),
    })
    .optional()
    .meta({
      description: 'The Kubernetes cluster behind the VIPs: what it intends is compared with what is, and its faults become possible.',
    }),
  key: secret.meta({ description: 'The secret shared with the responders; write ${env:NAME} or ${file:PATH}.' }),
  keeper: z
    .strictObject({ socket: z.string() })
    .optional()
    .meta({ description: 'Unix socket of the keeper; without one no fault is possible.' }),
  observers: observers.default([]),
});

/** The schema of an environment file; the two forms differ by the key `lab`. */
export const environmentFile = z.union([labEnvironment, ownEnvironment]);
export type EnvironmentFile = z.output<typeof environmentFile>;
export type LabEnvironmentFile = z.output<typeof labEnvironment>;
export type OwnEnvironmentFile = z.output<typeof ownEnvironment>;
/** Both schemas by form, for messages that fit what the user meant. */
export const environmentForms = { lab: labEnvironment, own: ownEnvironment } as const;

/** A place that a command runs in: null for this machine as it is, else a network namespace by name. */
export type Place = { netns: string | null };

export type Vantage = Place & { name: string; addresses: string[] };
export type ServiceRef = { namespace: string; name: string };
/** `service` is the Kubernetes Service behind it; null where no cluster is known. */
export type Vip = { name: string; address: string; family: Family; port: number; policy: TrafficPolicy; service: ServiceRef | null };
/** How to reach a cluster's API. `kubeconfig` null: the service account of the pod that this runs in. */
export type Cluster = {
  kubeconfig: string | null;
  context: string | null;
  /** A Unix socket that leads to the API server, where its address cannot be reached (a lab's namespaces); TLS goes through it. */
  socket: string | null;
  metallbNamespace: string;
};
/** `addresses` are what a router sees as next hop and what a masquerading node writes as source. */
export type Node = Place & { name: string; addresses: string[]; podCidrs: string[]; uplink: string | null };
/** `addresses`: all at which BGPPeers name it; empty, or absent in older journals, where they are not known. */
export type Router = Place & { name: string; driver: string; vtysh: string[]; addresses?: string[] };

/** The resolved form, in which a lab and one's own network look the same. No secrets: the key travels apart. */
export type Environment = {
  name: string;
  title: string;
  lab: { prefix: string; topology: LabEnvironmentFile['lab'] } | null;
  vantages: Vantage[];
  vips: Vip[];
  nodes: Node[];
  routers: Router[];
  /** How routers spread flows, where the file says it of one's own network; a lab's topology says it too. */
  ecmp?: NonNullable<OwnEnvironmentFile['ecmp']>;
  cluster: Cluster | null;
  keeperSocket: string | null;
  observers: string[];
};
