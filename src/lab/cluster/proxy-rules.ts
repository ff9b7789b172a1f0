// Whether a node's kube-proxy has written its rules for an address, from what the kernel lists: pure.
import type { Argv } from '../../io/command.ts';

export type ProxyMode = 'nftables' | 'iptables';

/** The command that lists where packets to Services go. It fails, or lists nothing, before kube-proxy has written anything. */
export const LISTING: Readonly<Record<ProxyMode, Argv>> = {
  nftables: ['nft', 'list', 'map', 'ip', 'kube-proxy', 'service-ips'],
  iptables: ['iptables-save', '-t', 'nat'],
};

/** Whether packets to `address` (IPv4) are sent to endpoints. kube-proxy lists a Service without endpoints elsewhere. */
export function isProxied(mode: ProxyMode, listing: string, address: string): boolean {
  switch (mode) {
    case 'nftables':
      return new RegExp(`(^|\\s)${escaped(address)} \\. (tcp|udp) \\. \\d+ : goto `, 'm').test(listing);
    case 'iptables':
      return new RegExp(`^-A KUBE-SERVICES -d ${escaped(address)}/32 .* -j KUBE-(EXT|SVC|SVL)-`, 'm').test(listing);
  }
}

function escaped(address: string): string {
  return address.replaceAll('.', String.raw`\.`);
}
