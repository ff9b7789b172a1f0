// What a fault may ask of a place: small interfaces that drivers implement. Faults act through these, never through places.
//
// Each act is idempotent and returns once the device accepted it; whether it took effect is told only by the reading beside it
// (`isShut` beside `shut`), which reads the device's own configuration or state. Every call ends when `signal` aborts.

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

/** A node that can be told not to advertise its VIPs. */
export type AdvertiseControl = {
  isAdvertising(node: string, signal: AbortSignal): Promise<boolean>;
  withdraw(node: string, signal: AbortSignal): Promise<void>;
  advertise(node: string, signal: AbortSignal): Promise<void>;
};

/** A node whose responders (pods) can be stopped and started again. */
export type ServeControl = {
  isServing(node: string, signal: AbortSignal): Promise<boolean>;
  stopServing(node: string, signal: AbortSignal): Promise<void>;
  serve(node: string, signal: AbortSignal): Promise<void>;
};

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
};
export type CapabilityName = keyof Capabilities;
