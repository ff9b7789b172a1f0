// FRR's running configuration as far as Holdfast needs it: the BGP instance, its neighbours, which of them are shut down.
import { canonicalAddress } from '../core/addresses.ts';
import { AppError } from '../core/errors.ts';

export type FrrBgpConfig = {
  asn: number;
  /** By canonical address: how the configuration spells it, and whether it says `shutdown`. Neighbours by interface are left out. */
  neighbours: ReadonlyMap<string, { spelling: string; isShut: boolean }>;
};

/**
 * Reads the BGP instance of the default VRF from `show running-config bgpd`.
 * @throws AppError DEVICE_OUTPUT when there is none: FRR prints an empty configuration, and no error, while bgpd is down
 */
export function parseBgpConfig(text: string): FrrBgpConfig {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const start = lines.findIndex((line) => /^router bgp \d+$/.test(line));
  const asn = /^router bgp (\d+)$/.exec(lines[start] ?? '')?.[1];
  if (asn === undefined) {
    throw new AppError('DEVICE_OUTPUT', 'the running configuration of FRR has no BGP instance', {
      remedy: 'see that bgpd runs and has a "router bgp" of the default VRF',
    });
  }
  const neighbours = new Map<string, { spelling: string; isShut: boolean }>();
  for (const line of lines.slice(start + 1)) {
    if (line !== '' && !line.startsWith(' ')) break; // the section ends where the indentation does
    const [, spelling = '', rest = ''] = /^ neighbor (\S+) (.*)$/.exec(line) ?? [];
    const peer = canonicalAddress(spelling);
    if (peer === null) continue;
    const isShut = rest === 'shutdown' || rest.startsWith('shutdown message ');
    neighbours.set(peer, { spelling, isShut: isShut || neighbours.get(peer)?.isShut === true });
  }
  return { asn: Number(asn), neighbours };
}
