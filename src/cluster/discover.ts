// From what stands in a cluster to the text of an environment file: pure, and every line that a person must still decide says so.
import { plainReason } from '../core/advertise-reasons.ts';
import { DEFAULT_PORT } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { formatDurationMs } from '../core/units.ts';
import { DEFAULT_SPEAKERS, intentOf, type NodeIntent, peersOf, type SpeakerSettings, type VipIntent } from './intent/intent.ts';
import type { Service } from './intent/objects.ts';
import type { ClusterPicture } from './read-objects.ts';

export type DiscoverOptions = {
  /** Name of the cluster, for the title. */
  title: string;
  /** As the file is to name them. */
  kubeconfig: string | null;
  context: string | null;
  /** The reference to the secret, such as `${file:holdfast.key}`. */
  key: string;
  speakers?: SpeakerSettings;
};
/** `vips`, `nodes`: how many are in it. */
export type Discovered = { text: string; vips: number; nodes: number };

/**
 * The text of an environment file in the form for one's own network.
 * @throws AppError PREFLIGHT when no Service of type LoadBalancer has an address: an environment needs a VIP
 */
export function discoverEnvironment(picture: ClusterPicture, options: DiscoverOptions): Discovered {
  const { speakers = DEFAULT_SPEAKERS } = options;
  const vips = named(intentOf(picture, speakers));
  const nodes = picture.nodes.filter(({ addresses }) => addresses.length > 0);
  if (vips.length === 0) {
    throw new AppError('PREFLIGHT', 'no Service of type LoadBalancer that MetalLB answers for has an address', {
      remedy: 'expose one; where MetalLB runs with --lb-class, give that class with --lb-class',
    });
  }
  const lines = [
    '# Written by `holdfast discover` from the objects of a live cluster. What to fill in is marked TO DO;',
    '# `holdfast validate FILE` checks it, `holdfast verify --env FILE` compares it with what is on the wire.',
    `title: ${scalar(options.title)}`,
    '',
    '# TO DO: one entry for each place from which users come. Without addresses the kernel picks the source.',
    'vantages:',
    '  - name: here',
    '    addresses: []',
    '',
    'vips:',
    ...vips.flatMap(vipLines),
    ...leftOut(picture, speakers),
    '',
    '# Names the hop behind an observed source address.',
    nodes.length === 0 ? 'nodes: []' : 'nodes:',
    ...nodes.flatMap(({ name, addresses, podCidrs }) => [
      `  - name: ${scalar(name)}`,
      `    addresses: ${list(addresses)}`,
      `    podCidrs: ${list(podCidrs)}`,
    ]),
    '',
    ...routerLines(picture),
    '',
    'cluster:',
    ...(options.kubeconfig === null
      ? ['  # Without a kubeconfig: the service account of the pod that Holdfast runs in.']
      : [`  kubeconfig: ${scalar(options.kubeconfig)}`]),
    ...(options.context === null ? [] : [`  context: ${scalar(options.context)}`]),
    `  metallbNamespace: ${scalar(picture.metallbNamespace ?? 'metallb-system')}`,
    ...picture.configurationStates.flatMap(({ name, result, error }) =>
      result === 'Invalid'
        ? comment(`MetalLB refuses its configuration (${name}): ${error ?? 'no error told'}. The last valid one is in use.`, 2)
        : [],
    ),
    '',
    '# TO DO: the secret that probers share with the responders, the same in `holdfast respond --key-file`.',
    `key: ${scalar(options.key)}`,
    '',
    '# With routers above: [routes, bgp, cluster].',
    'observers: [cluster]',
    '',
  ];
  return { text: lines.join('\n'), vips: vips.length, nodes: nodes.length };
}

type NamedVip = VipIntent & { name: string };

/** The Service's name where that is one of a kind; else with its namespace, and with a number where there are several addresses. */
function named(vips: readonly VipIntent[]): NamedVip[] {
  const taken = new Set<string>();
  return vips.map((vip) => {
    const { namespace, name } = vip.service;
    const isShared = vips.some((other) => other.service.name === name && other.service.namespace !== namespace);
    const base = (isShared ? `${name}.${namespace}` : name).slice(0, 60).replace(/[-.]+$/, '');
    let unique = base;
    for (let next = 2; taken.has(unique); next += 1) unique = `${base}-${String(next)}`;
    taken.add(unique);
    return { ...vip, name: unique };
  });
}

function vipLines({ name, service, address, pool, nodes }: NamedVip): string[] {
  const ports = service.ports.map(({ port, protocol }) => `${String(port)}/${protocol}`);
  const port = service.ports.find((one) => one.port === DEFAULT_PORT || one.name === 'holdfast') ?? service.ports[0];
  const affinity = service.affinity === 'client-ip' ? ', sessionAffinity ClientIP' : '';
  const about = `${pool === null ? 'in no pool' : `pool ${pool}`}${affinity}, ports ${ports.join(' ') || 'none'}.`;
  return [
    ...comment(`${service.policy === 'local' ? 'Local' : 'Cluster'}, ${about}`, 2),
    ...intentLines(nodes).flatMap((line) => comment(line, 2)),
    ...(new Set(service.ports.map((one) => one.port)).size > 1 ? comment('TO DO: the port that a Holdfast responder answers at.', 2) : []),
    `  - name: ${scalar(name)}`,
    `    address: ${scalar(address)}`,
    `    port: ${String(port?.port ?? DEFAULT_PORT)}`,
    `    policy: ${service.policy}`,
    `    service: ${scalar(`${service.namespace}/${service.name}`)}`,
  ];
}

/** Who should advertise, and who should not and why: nodes of one reason in one line. */
function intentLines(nodes: readonly NodeIntent[]): string[] {
  const advertisers = nodes.filter(({ advertises }) => advertises).map(({ node }) => node);
  const others = Map.groupBy(
    nodes.filter(({ advertises }) => !advertises),
    ({ reason }) => reason ?? '',
  );
  return [
    advertisers.length > 0 ? `Should be advertised by ${advertisers.join(' ')}.` : 'Should be advertised by no node.',
    ...[...others].map(([reason, ofReason]) => `Not by ${ofReason.map(({ node }) => node).join(' ')}: ${reason} (${plainReason(reason)}).`),
  ];
}

/** Load balancers that are not in the file, and why. */
function leftOut({ services }: ClusterPicture, { loadBalancerClass }: SpeakerSettings): string[] {
  const why = (service: Service): string | null => {
    if (service.type !== 'LoadBalancer') return null;
    if (service.loadBalancerClass !== loadBalancerClass) return `of the load balancer class ${service.loadBalancerClass ?? '(none)'}`;
    return service.addresses.length === 0 ? 'has no address' : null;
  };
  return services.flatMap((service) => {
    const reason = why(service);
    return reason === null ? [] : comment(`Not here: ${service.namespace}/${service.name}, ${reason}.`, 2);
  });
}

function routerLines({ peers, nodes }: ClusterPicture): string[] {
  const told = peers.flatMap((peer) => {
    const from = nodes.filter((node) => peersOf([peer], node).length > 0).map(({ name }) => name);
    const at = peer.address === null ? `on the interface ${peer.interface ?? '?'}` : `at ${peer.address}`;
    const hold = peer.holdTimeMs === null ? '' : `, hold time ${formatDurationMs(peer.holdTimeMs)}`;
    const asn = String(peer.peerAsn ?? peer.dynamicAsn ?? '?');
    return comment(`BGPPeer ${peer.name}: ${at}, AS ${asn}, from AS ${String(peer.myAsn)}${hold}; for ${from.join(' ') || 'no node'}.`, 0);
  });
  return [
    '# TO DO: routers on this machine whose routes and sessions may be read; without one, next-hop sets are inferred from flows.',
    '# `addresses`: all at which BGPPeers name the router, and no other router: they tell which nodes should announce to it.',
    ...told,
    'routers: []',
    ...templates(peers.length > 0 ? peers : [{ name: 'tor', address: null }]),
    '',
    '# TO DO: how those routers spread flows, which no cluster knows: without it a path that no flow comes in by is in doubt, never missing.',
    '# hash: l4 (the 5-tuple) or l3 (addresses); nextHopGroups: hash-threshold, or resilient where buckets stay where they were.',
    '# ecmp: { hash: l4, nextHopGroups: hash-threshold }',
  ];
}

/** An entry of `routers` for each address that a peer has, to be uncommented. */
function templates(peers: readonly { name: string; address: string | null }[]): string[] {
  const byAddress = Map.groupBy(peers, ({ address }) => address ?? '');
  return [...byAddress].flatMap(([address, [first]]) => [
    `#   - name: ${scalar(first?.name ?? '')}`,
    '#     driver: frr',
    ...(address === '' ? [] : [`#     addresses: ${list([address])}`]),
  ]);
}

/** A comment of one line; a line feed in what the cluster says must not end it. */
function comment(text: string, indent: number): string[] {
  return [`${' '.repeat(indent)}# ${text.replace(/[\s\p{Cc}]+/gu, ' ')}`];
}

function list(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(', ')}]`;
}

/** Bare where no reader of YAML can take it for anything but this text, else in quotes. */
function scalar(text: string): string {
  const isPlain = /^[a-zA-Z/][a-zA-Z0-9./_-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
