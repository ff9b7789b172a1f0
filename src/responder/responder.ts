// The responder: one process behind the VIP that echoes who it is and what it saw, over TCP and UDP.
import type { Server } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '../core/addresses.ts';
import { messageOf } from '../core/errors.ts';
import { FlowTable } from './flow-table.ts';
import { OwnIdentity, type ResponderKey } from './own-identity.ts';
import { serveTcp } from './tcp-echo.ts';
import { serveUdp } from './udp-echo.ts';

/** A VIP may be put on this machine at any time; its UDP must be answered soon. */
const RESCAN_EVERY_MS = 200;

export type ResponderOptions = {
  node: string;
  backend: string;
  /** 0: one that is free. */
  port: number;
  /** Empty: every address this machine has or gets. */
  addresses: readonly string[];
  keys: readonly ResponderKey[];
  /** Silence after which a flow is reaped (ms), but never less than four of its heartbeats. */
  reapAfterMs: number;
  maxFlows: number;
  now: () => number;
  /** Told of each address whose UDP is answered from now on, or cannot be and why. */
  onAddress: (address: string, trouble: string | null) => void;
};

export class Responder implements AsyncDisposable {
  readonly own: OwnIdentity;
  readonly table: FlowTable;
  readonly #options: ResponderOptions;
  readonly #tcp: Server[] = [];
  /** By address; null while one cannot be bound. */
  readonly #udp = new Map<string, UdpSocket | null>();
  #port: number;
  #isClosed = false;
  #rescan: NodeJS.Timeout | null = null;

  private constructor(options: ResponderOptions) {
    this.#options = options;
    this.#port = options.port;
    this.own = new OwnIdentity(options, options.keys);
    this.table = new FlowTable(options);
  }

  /** Opens all sockets, or none. @throws AppError PORT_TAKEN, NOT_PERMITTED, PREFLIGHT */
  static async listen(options: ResponderOptions): Promise<Responder> {
    const responder = new Responder(options);
    try {
      await responder.#open();
    } catch (error) {
      await responder.close();
      throw error;
    }
    return responder;
  }

  get port(): number {
    return this.#port;
  }

  /** Addresses whose UDP is answered. */
  get addresses(): string[] {
    return [...this.#udp].flatMap(([address, socket]) => (socket ? [address] : []));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#rescan) clearTimeout(this.#rescan);
    for (const socket of this.#udp.values()) socket?.close();
    this.#udp.clear();
    const closed = this.#tcp.map(
      (server) =>
        new Promise<void>((resolve) =>
          server.close(() => {
            resolve();
          }),
        ),
    );
    this.table[Symbol.dispose]();
    await Promise.all(closed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    const { addresses } = this.#options;
    for (const address of addresses.length > 0 ? addresses : [null]) {
      const server = await serveTcp(this.own, this.table, { address, port: this.#port });
      this.#tcp.push(server);
      const bound = server.address();
      if (this.#port === 0 && bound !== null && typeof bound === 'object') this.#port = bound.port;
    }
    for (const address of addresses.length > 0 ? addresses : localAddresses()) {
      this.#udp.set(address, await serveUdp(this.own, this.table, { address, port: this.#port }));
    }
    if (addresses.length === 0) this.#rescanLater();
  }

  #rescanLater(): void {
    this.#rescan = setTimeout(() => {
      void this.#addNewAddresses().then(() => {
        if (!this.#isClosed) this.#rescanLater();
      });
    }, RESCAN_EVERY_MS).unref();
  }

  /** An address that went keeps its socket: when it comes back it is answered at once. */
  async #addNewAddresses(): Promise<void> {
    for (const address of localAddresses()) {
      if (this.#udp.get(address)) continue;
      try {
        const socket = await serveUdp(this.own, this.table, { address, port: this.#port });
        if (this.#isClosed) socket.close();
        else this.#udp.set(address, socket);
        this.#options.onAddress(address, null);
      } catch (error) {
        // Such as an IPv6 address that is still tentative: tried again, told once.
        if (!this.#udp.has(address)) this.#options.onAddress(address, messageOf(error));
        this.#udp.set(address, null);
      }
    }
  }
}

/** This machine's addresses, without IPv6 link-local ones, which no VIP can be. */
function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, scopeid }) => family === 'IPv4' || scopeid === 0)
    .flatMap(({ address }) => canonicalAddress(address) ?? []);
}
