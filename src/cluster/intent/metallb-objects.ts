// MetalLB's configuration objects, reduced to what decides who advertises what to whom.
import { z } from 'zod';
import { canonicalAddress } from '../../core/addresses.ts';
import { flag, list, metadata, optionalText, reader } from './reader.ts';
import { type Labels, labelSelector, type LabelSelector } from './selectors.ts';

export type BgpAdvertisement = {
  name: string;
  pools: string[];
  poolSelectors: LabelSelector[];
  nodeSelectors: LabelSelector[];
  serviceSelectors: LabelSelector[];
  /** Names of BGPPeers; empty: all. */
  peers: string[];
  aggregationLength: number;
  aggregationLengthV6: number;
  localPref: number;
  asPathPrepend: number;
};
export type BgpPeer = {
  name: string;
  myAsn: number;
  /** Null where `dynamicAsn` (`internal`, `external`) says it. */
  peerAsn: number | null;
  dynamicAsn: string | null;
  /** Null for a peer on an `interface`. */
  address: string | null;
  interface: string | null;
  port: number;
  /** Null: MetalLB's default. */
  holdTimeMs: number | null;
  keepaliveTimeMs: number | null;
  nodeSelectors: LabelSelector[];
  bfdProfile: string | null;
  gracefulRestart: boolean;
  dualStack: boolean;
};
/** `addresses` are prefixes or ranges `first-last`. */
export type IpAddressPool = { name: string; labels: Labels; addresses: string[] };
const selectors = list(labelSelector);
const goDuration = z.string().transform((text, context) => {
  const ms = goDurationMs(text);
  if (ms !== null) return ms;
  context.addIssue({ code: 'custom', message: `expected a duration such as 1m30s, found ${JSON.stringify(text)}` });
  return z.NEVER;
});
const ipAddress = optionalText.transform((text, context) => {
  const canonical = text === null ? null : canonicalAddress(text);
  if (text === null || canonical !== null) return canonical;
  context.addIssue({ code: 'custom', message: `expected an IP address, found ${JSON.stringify(text)}` });
  return z.NEVER;
});

export const readBgpAdvertisement = reader(
  'BGPAdvertisement',
  z.object({
    metadata,
    spec: z
      .object({
        ipAddressPools: list(z.string()),
        ipAddressPoolSelectors: selectors,
        nodeSelectors: selectors,
        serviceSelectors: selectors,
        peers: list(z.string()),
        aggregationLength: z.int().nullish(),
        aggregationLengthV6: z.int().nullish(),
        localPref: z.int().nullish(),
        asPathPrepend: z.int().nullish(),
      })
      .prefault({}),
  }),
  ({ metadata: { name }, spec }): BgpAdvertisement => ({
    name,
    pools: spec.ipAddressPools,
    poolSelectors: spec.ipAddressPoolSelectors,
    nodeSelectors: spec.nodeSelectors,
    serviceSelectors: spec.serviceSelectors,
    peers: spec.peers,
    aggregationLength: spec.aggregationLength ?? 32,
    aggregationLengthV6: spec.aggregationLengthV6 ?? 128,
    localPref: spec.localPref ?? 0,
    asPathPrepend: spec.asPathPrepend ?? 0,
  }),
);

export const readBgpPeer = reader(
  'BGPPeer',
  z.object({
    metadata,
    spec: z.object({
      myASN: z.int(),
      peerASN: z.int().nullish(),
      dynamicASN: optionalText,
      peerAddress: ipAddress,
      interface: optionalText,
      peerPort: z.int().nullish(),
      holdTime: goDuration.nullish(),
      keepaliveTime: goDuration.nullish(),
      nodeSelectors: selectors,
      bfdProfile: optionalText,
      enableGracefulRestart: flag,
      dualStackAddressFamily: flag,
    }),
  }),
  ({ metadata: { name }, spec }): BgpPeer => ({
    name,
    myAsn: spec.myASN,
    peerAsn: spec.peerASN === 0 ? null : (spec.peerASN ?? null),
    dynamicAsn: spec.dynamicASN,
    address: spec.peerAddress,
    interface: spec.interface,
    port: spec.peerPort ?? 179,
    holdTimeMs: spec.holdTime ?? null,
    keepaliveTimeMs: spec.keepaliveTime ?? null,
    nodeSelectors: spec.nodeSelectors,
    bfdProfile: spec.bfdProfile,
    gracefulRestart: spec.enableGracefulRestart,
    dualStack: spec.dualStackAddressFamily,
  }),
);

export const readIpAddressPool = reader(
  'IPAddressPool',
  z.object({ metadata, spec: z.object({ addresses: z.array(z.string()) }) }),
  ({ metadata: { name, labels }, spec }): IpAddressPool => ({ name, labels: labels ?? {}, addresses: spec.addresses }),
);

const GO_UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** A duration as Go writes it (`1m30s`, `9s`, `500ms`); null for none. */
function goDurationMs(text: string): number | null {
  if (text === '0') return 0;
  if (!/^([0-9]+(\.[0-9]+)?(h|ms|m|s|us|µs|ns))+$/.test(text)) return null;
  return [...text.matchAll(/([0-9.]+)([a-zµ]+)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (GO_UNIT_MS[unit ?? ''] ?? 0), 0);
}
