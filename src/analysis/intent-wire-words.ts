// The differences between intent and wire in sentences: what each layer says of a path, and where to look.
import { plainReason } from '../core/advertise-reasons.ts';
import type { Environment } from '../core/environment.ts';
import type { PathFinding, PathRow } from './path-verdicts.ts';
import { countText, listText } from './wording.ts';

/** `claim`: the contradiction alone, without a full stop; `what` begins with it. */
export type Difference = { kind: PathFinding['kind']; node: string; claim: string; what: string; look: string };
export type DifferenceContext = { vip: string; /** `namespace/name`. */ service: string; metallbNamespace: string };

/** @returns the VIP alone where the environment does not say whose Service it is */
export function differenceContext({ vips = [], cluster }: Partial<Environment>, vip: string): DifferenceContext {
  const service = vips.find(({ name }) => name === vip)?.service;
  return {
    vip,
    service: service ? `${service.namespace}/${service.name}` : vip,
    metallbNamespace: cluster?.metallbNamespace ?? 'metallb-system',
  };
}

/** One entry a node and kind of difference, in the order of the findings. */
export function differences(rows: readonly PathRow[], findings: readonly PathFinding[], context: DifferenceContext): Difference[] {
  const groups = Map.groupBy(findings, ({ kind, node }) => `${kind} ${node}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const row = rows.find(({ node }) => node === first?.node);
    return first && row ? [differenceOf(row, group, context)] : [];
  });
}

function differenceOf(row: PathRow, findings: readonly PathFinding[], context: DifferenceContext): Difference {
  const { vip } = context;
  const kind = findings[0]?.kind ?? 'missing';
  const { node } = row;
  const common = { kind, node };
  switch (kind) {
    case 'missing': {
      const why = row.speaker === 'none' ? ': no speaker runs on it' : '';
      const claim = `${node} should advertise ${vip}, and ${listText(findings.map(missingText))}${why}`;
      const what = `${claim}. ${statusText(row, vip)}${sessionText(row, findings)}`;
      return { ...common, claim, what, look: whereMissing(row, findings, context) };
    }
    case 'phantom': {
      const claim = `${intendedText(row, vip)}, and ${listText(findings.map(phantomText))}`;
      return { ...common, claim, what: `${claim}. ${statusText(row, vip)}`, look: wherePhantom(row, context) };
    }
    case 'zombie': {
      const gone = row.routers.some(({ has }) => has === false)
        ? 'the router has no path by it any more'
        : 'it should no longer advertise it';
      const claim = `${node} is still used for ${vip}: ${gone}, and ${listText(findings.map(phantomText))}`;
      const look =
        'what stands between the vantage and that router: another router with an older route (ip route get, show ip route at each hop), ' +
        'or one whose hash table keeps old buckets';
      return { ...common, claim, what: `${claim}.`, look };
    }
  }
}

/** What a path contradicts that should not be. */
function intendedText({ node, intended }: PathRow, vip: string): string {
  if (intended?.advertises) return `${node} should advertise ${vip} to ${listText((intended.peers ?? []).map(({ name }) => name))} alone`;
  const why = intended?.reason == null ? 'it is no node of the cluster' : plainReason(intended.reason);
  return `${node} should not advertise ${vip} (${why})`;
}

function missingText(finding: PathFinding): string {
  if (finding.by === 'router') return `${finding.router} has no path by it`;
  const chance = finding.chance === null || finding.chance === 0 ? '' : ` (by chance: ${chanceText(finding.chance)})`;
  return `none of ${countText(finding.of)} flows from ${finding.vantage} came in by it${chance}`;
}

function phantomText(finding: PathFinding): string {
  if (finding.by === 'router') return `${finding.router} has a path by it`;
  return `${countText(finding.seen)} of ${countText(finding.of)} flows from ${finding.vantage} came in by it`;
}

function statusText({ status, speaker }: PathRow, vip: string): string {
  if (speaker === 'unready') return 'Its speaker is not ready.';
  if (!status) return 'MetalLB says nothing of it.';
  if (status.announcedTo === null) return 'This MetalLB has no status objects.';
  if (status.announcedTo.length === 0) return `Its speaker does not say that it announces ${vip}.`;
  return `Its speaker says that it announces ${vip} to ${listText(status.announcedTo)}; it says so before a session is up, and after it died.`;
}

function sessionText(row: PathRow, findings: readonly PathFinding[]): string {
  const asked = (row.status?.sessions ?? []).map(
    ({ peer, address, myAsn, peerAsn, state }) =>
      `BGPPeer ${peer} asks for AS ${String(myAsn)} to AS ${peerAsn} at ${address ?? 'an interface'}${state === null ? '' : `, and frr-k8s says ${state}`}`,
  );
  const asks = asked.length === 0 ? '' : ` ${listText(asked)}.`;
  const told = sessionsOf(row, findings).map(
    ({ router, state, reason }) => ` ${router}’s session with it is ${state}${reason === '' ? '' : ` (${reason})`}.`,
  );
  return `${asks}${told.join('')}`;
}

/** One of each router that lacks the path, one that is not up before others; where flows alone lack it, of all routers. */
function sessionsOf({ sessions }: PathRow, findings: readonly PathFinding[]): PathRow['sessions'] {
  const routers = findings.flatMap((finding) => (finding.by === 'router' ? [finding.router] : []));
  const firsts = sessions.filter(({ router }, index) => sessions.findIndex((one) => one.router === router) === index);
  return routers.length === 0 ? firsts : firsts.filter(({ router }) => routers.includes(router));
}

const HANGS = 'a process that hangs is Running all the same';

function whereMissing(row: PathRow, findings: readonly PathFinding[], { service, metallbNamespace }: DifferenceContext): string {
  const { node, status, routers } = row;
  const isLackedByRouter = findings.some(({ by }) => by === 'router');
  const isInSome = routers.some(({ has }) => has === true);
  const session = sessionsOf(row, findings).find(({ state }) => state !== 'Established');
  const isLackedByAll = isLackedByRouter || !isInSome;
  if (row.speaker === 'none' && isLackedByAll) {
    return (
      `why no speaker is put on ${node} (kubectl -n ${metallbNamespace} get daemonsets, pods -o wide): its taints, and the tolerations, ` +
      'nodeSelector and requests of the speakers; where none is meant to be, the nodeSelectors of a BGPAdvertisement can leave the node out'
    );
  }
  const speaker = `the speaker on ${node} (kubectl -n ${metallbNamespace} get pods -o wide, and its log)`;
  if (session && /hold timer expired/i.test(session.reason)) {
    return `${speaker}: it fell silent, and ${HANGS}; then the link between ${node} and ${session.router}`;
  }
  if (row.speaker === 'unready' && isLackedByAll) return `${speaker}: ${HANGS}`;
  if (session) {
    return `AS numbers, addresses and passwords at both ends of the session; then ${speaker}: ${HANGS}`;
  }
  if (status?.announcedTo?.length === 0) return `${speaker}: a line serviceWithdrawn for ${service} tells its reason`;
  const route = 'what the router does with the route: its filters, and how many paths it may use (show bgp ipv4 unicast, maximum-paths)';
  if (isLackedByRouter) return `${route}; then ${speaker}`;
  const way = `the way from the router to ${node}: its link and neighbour entry, kube-proxy and the pod there; flows that were sent to it may have failed`;
  return isInSome ? way : `whether the router has the path; if not, ${route}, and ${speaker}; if it has, ${way}`;
}

function wherePhantom({ node, intended }: PathRow, { service, metallbNamespace }: DifferenceContext): string {
  const isNode = intended?.advertises === true || intended?.reason != null;
  if (!isNode) return `who owns the address ${node}, and who else speaks BGP with the router`;
  return (
    `the speaker on ${node} (kubectl -n ${metallbNamespace} get pods -o wide, and its log for ${service}): it may hang, or not have heard of ` +
    'the change; on the router, whether graceful restart keeps a path of a session that is gone'
  );
}

/** 0.0000003 -> `3 in 10 million`-like precision is nobody's need: a power of ten is enough. */
function chanceText(chance: number): string {
  return chance < 1e-12 ? 'less than 1 in a million million' : `1 in ${countText(Math.round(1 / chance))}`;
}
