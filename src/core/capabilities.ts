// What a fault may ask of a place: small interfaces that drivers implement. Faults act through these, never through places.
//
// Each act is idempotent and returns once the device accepted it; whether it took effect is told only by the reading beside it
// (`isShut` beside `shut`), which reads the device's own configuration or state. Every call ends when `signal` aborts.
import type { ClusterControl } from './cluster-control.ts';

/** A BGP session as its router reports it. */
export type BgpSession = {
  /** Address of the peer, canonical. */
  peer: string;
  /** RFC 4271 section 8.2.2: Idle, Connect, Active, OpenSent, OpenConfirm, Established. */
  state: string;
  /** Shut down by configuration (RFC 8203's administrative shutdown). */
  isShut: boolean;
  /** Last reason for a reset in the router's own words; empty when there was none. */
  reason: string;
};

/** The reason that is told of a session that was read before, and whose peer is in the router's configuration no more. */
export const PEER_IS_GONE = 'the router no longer has this peer';

/** A router whose state can be read. */
export type RouterReader = {
  readonly name: string;
  sessions(signal: AbortSignal): Promise<BgpSession[]>;
  /** Next-hop addresses installed for `prefix`, in the router's own order; empty when there is no route. */
  nextHops(prefix: string, signal: AbortSignal): Promise<string[]>;
};

/** A router whose BGP sessions can be shut down by configuration. */
export type SessionControl = {
  /** From the running configuration; throws when the router has no such peer. */
  isShut(peer: string, signal: AbortSignal): Promise<boolean>;
  shut(peer: string, signal: AbortSignal): Promise<void>;
  unshut(peer: string, signal: AbortSignal): Promise<void>;
};

/** What the device's own configuration says of a change. Both hold when the pre-state was what the change would make of it. */
export type Reading = {
  isInForce: boolean;
  isRestored: boolean;
  /** Of a fault that ends by itself: it has, and no more than our mark may be left. Without it `isRestored` tells. */
  hasPassed?: boolean;
  /** What somebody else changed meanwhile, as a person would say it; it is left as it is. */
  foreign: string[];
};

/** A change of one node that its driver can take back. */
export type NodeChange = {
  node: string;
  /** What the driver read before. */
  before: NodeState;
  /** Who changes it (run and fault), where a device can carry a mark. */
  mark: string;
};
/** Opaque to everybody but the driver, and JSON. */
export type NodeState = Record<string, unknown>;

/** A node that can be told not to advertise its VIPs. */
export type AdvertiseControl = {
  advertiseState(node: string, signal: AbortSignal): Promise<NodeState>;
  withdraw(change: NodeChange, signal: AbortSignal): Promise<void>;
  /** Restores what `advertiseState` read, and nothing that somebody else changed since. */
  restoreAdvertising(change: NodeChange, signal: AbortSignal): Promise<void>;
  readWithdrawal(change: NodeChange, signal: AbortSignal): Promise<Reading>;
  /** Why `withdraw` would fail, as a person would say it; changes nothing. */
  obstaclesToWithdraw(node: string, signal: AbortSignal): Promise<string[]>;
};

/** A node whose responders (pods) can be stopped and started again. */
export type ServeControl = {
  serveState(node: string, signal: AbortSignal): Promise<NodeState>;
  stopServing(change: NodeChange, signal: AbortSignal): Promise<void>;
  /** Restores what `serveState` read, and nothing that somebody else changed since. Pods that went elsewhere stay there. */
  restoreServing(change: NodeChange, signal: AbortSignal): Promise<void>;
  readStop(change: NodeChange, signal: AbortSignal): Promise<Reading>;
  /** Why `stopServing` would fail, as a person would say it; changes nothing. */
  obstaclesToStop(node: string, signal: AbortSignal): Promise<string[]>;
};

/**
 * The same driver, which asks `check` before each of the commands that an act of it consists of, and stops when that throws.
 * For drivers whose acts are more than one command: a process that was frozen between two of them must not go on.
 */
export type AskingFirst<Driver> = { askingFirst(check: () => void): Driver };

/** A node whose network links can be cut. `LinkState` is opaque to everybody but the driver, and JSON. */
export type LinkControl = {
  linkState(node: string, signal: AbortSignal): Promise<LinkState>;
  cutLinks(node: string, signal: AbortSignal): Promise<void>;
  /** Restores links, addresses and routes to what `linkState` read. */
  restoreLinks(node: string, state: LinkState, signal: AbortSignal): Promise<void>;
};
export type LinkState = { isUp: boolean; [detail: string]: unknown };

/** What an environment offers. A fault whose need is null here is refused before the run, by name. */
export type Capabilities = {
  router: RouterReader | null;
  sessions: SessionControl | null;
  advertise: AdvertiseControl | null;
  serve: ServeControl | null;
  links: LinkControl | null;
  cluster: ClusterControl | null;
};
export type CapabilityName = keyof Capabilities;

/** The same driver, each method of which asks `check` first and does nothing when that throws. */
export function askingFirst<Driver extends object>(driver: Driver, check: () => void): Driver {
  return new Proxy(driver, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        check();
        return Reflect.apply(value, target, args);
      };
    },
  });
}
