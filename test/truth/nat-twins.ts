// Both sides of a translated address: an answer as it left its pod, and the same answer as it left the ingress node from the VIP.
import type { Packet } from './captured-packets.ts';

/** Who answered, and whom it took its client for. */
export type Behind = { backend: string; observedSource: string };

/** What passed between a node and one pod on it, as the node sees it: `in` is from the pod. */
export type PodCapture = { pod: string; packets: readonly Packet[] };

/** A pod's packet reaches the uplink of the ingress node, which may be another, within this; a repetition comes later. */
const TOGETHER_MS = 150;

export class NatTwins {
  readonly #byFingerprint = new Map<string, { unixMs: number; behind: Behind }[]>();

  constructor(captures: readonly PodCapture[]) {
    for (const { pod, packets } of captures) {
      for (const { direction, fingerprint, clientAddress, unixMs } of packets) {
        if (direction !== 'in' || fingerprint === null) continue;
        const twins = this.#byFingerprint.get(fingerprint);
        const twin = { unixMs, behind: { backend: pod, observedSource: clientAddress } };
        if (twins) twins.push(twin);
        else this.#byFingerprint.set(fingerprint, [twin]);
      }
    }
  }

  /** The pod behind an answer that a node sent from a VIP; null when no pod, or more than one, sent it just before. */
  behind({ fingerprint, unixMs }: Pick<Packet, 'fingerprint' | 'unixMs'>): Behind | null {
    const twins = (this.#byFingerprint.get(fingerprint ?? '') ?? []).filter((twin) => Math.abs(twin.unixMs - unixMs) <= TOGETHER_MS);
    const [first, ...others] = twins.map(({ behind }) => behind);
    const isOne = others.every(({ backend, observedSource }) => backend === first?.backend && observedSource === first.observedSource);
    return first !== undefined && isOne ? first : null;
  }
}
