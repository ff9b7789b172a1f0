// What kube-proxy does on a node, as nftables rules: pure.
import { familyOf } from '../core/addresses.ts';
import type { TrafficPolicy, Vip } from '../core/environment.ts';

/** Where a VIP's packets go on one node: addresses of backends that live, of the VIP's family. */
export type VipTarget = Pick<Vip, 'address' | 'port' | 'policy'> & { backends: readonly string[] };

const TABLE = 'inet holdfast';

/** Port that every node's backend listens on; VIPs may have others, as a Service's `port` and `targetPort` may differ. */
export const BACKEND_PORT = 7000;

/**
 * The whole rule set of one node for `nft -f -`, applied in one transaction. Living connections keep their entries.
 *
 * - `local`: to the node's own backend, source kept; without one, dropped.
 * - `cluster`: to any backend on any node, source rewritten to this node's address; without one, rejected.
 *   A backend on the node itself is reached without leaving it, hence the rewriting in the input hook as well.
 * @param ownAddresses addresses of the node
 */
export function natRules(targets: readonly VipTarget[], ownAddresses: readonly string[]): string {
  const served = targets.filter(({ backends }) => backends.length > 0);
  const cluster = served.filter(({ policy }) => policy === 'cluster');
  return `${[
    `add table ${TABLE}`,
    ...Object.entries(CHAINS).map(([chain, hook]) => `add chain ${TABLE} ${chain} { ${hook}; }`),
    // Chains stay hooked while their rules are replaced.
    `flush table ${TABLE}`,
    ...served.map((vip) => `add rule ${TABLE} prerouting ${toVip(vip)} dnat ${ipOf(vip)} to ${choice(vip)}`),
    ...cluster.map((vip) => `add rule ${TABLE} postrouting ${originallyTo(vip)} masquerade`),
    ...cluster.flatMap((vip) =>
      ownAddresses
        .filter((own) => familyOf(own) === familyOf(vip.address))
        .map((own) => `add rule ${TABLE} input ${originallyTo(vip)} snat ${ipOf(vip)} to ${own}`),
    ),
    // What no rule above took would go back to the router, and to and fro.
    ...targets.map((vip) => `add rule ${TABLE} forward ${ipOf(vip)} daddr ${vip.address} ${UNSERVED[vip.policy]}`),
  ].join('\n')}\n`;
}

const CHAINS = {
  prerouting: 'type nat hook prerouting priority -100',
  postrouting: 'type nat hook postrouting priority 100',
  input: 'type nat hook input priority 100',
  forward: 'type filter hook forward priority 0',
} as const;
const UNSERVED: Record<TrafficPolicy, string> = { local: 'drop', cluster: 'reject' };

function toVip(vip: VipTarget): string {
  return `${ipOf(vip)} daddr ${vip.address} meta l4proto { tcp, udp } th dport ${String(vip.port)}`;
}

function originallyTo(vip: VipTarget): string {
  return `ct status dnat ct original ${ipOf(vip)} daddr ${vip.address}`;
}

/** At random for each new connection, as kube-proxy's `statistic` and `numgen` rules do. */
function choice({ backends, address }: VipTarget): string {
  const map = backends.map((backend, index) => `${String(index)} : ${backend}`).join(', ');
  const [only = ''] = backends;
  const one = familyOf(address) === 4 ? only : `[${only}]`;
  const chosen = backends.length === 1 ? one : `numgen random mod ${String(backends.length)} map { ${map} }`;
  return `${chosen}:${String(BACKEND_PORT)}`;
}

function ipOf(vip: VipTarget): 'ip' | 'ip6' {
  return familyOf(vip.address) === 4 ? 'ip' : 'ip6';
}
