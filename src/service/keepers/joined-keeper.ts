// One keeper on another machine, as the service has it: a Unix socket that leads to it while its link is up, for runners and for ourselves.
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LinkHello } from '../../core/keeper-link.ts';
import type { FromKeeper } from '../../core/keeper-messages.ts';
import { AppError } from '../../core/errors.ts';
import type { LinkSeals } from '../../io/link-keys.ts';
import { closeServer, listenOnSocket } from '../../io/listening.ts';
import { type LinkTimes, RelayLink } from '../../io/relay-link.ts';
import type { ServiceClock } from '../parts.ts';

/** A link that comes back at once is worth waiting for. */
const PATIENCE_MS = 1_500;
const MAX_WAITING = 64;

export type JoinedKeeperOptions = {
  name: string;
  /** Path of its Unix socket here. */
  socket: string;
  clock: ServiceClock;
  times: LinkTimes;
  /** Called when its link comes or goes. */
  onChange: () => void;
  log: (line: string) => void;
};

export type JoinedKeeperState = {
  name: string;
  isConnected: boolean;
  /** Unix ms; null before its first word to this service. */
  lastSeenMs: number | null;
  /** Of its machine, its socket there, its version: as it said itself. Null before. */
  boot: string | null;
  place: string | null;
  version: string | null;
};

type Link = { relay: RelayLink; hello: LinkHello };

export class JoinedKeeper implements AsyncDisposable {
  readonly #options: JoinedKeeperOptions;
  readonly #server: Server;
  readonly #locals = new Set<Socket>();
  /** Local connections that came while no link was up. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();
  #link: Link | null = null;
  /** A link whose other end has not yet shown that it holds the keys. */
  #pending: RelayLink | null = null;
  #lastHello: LinkHello | null = null;
  #lastSeenMs: number | null = null;

  /** @throws AppError PORT_TAKEN, BAD_FLAG for too long a path */
  static async open(options: JoinedKeeperOptions): Promise<JoinedKeeper> {
    const keeper = new JoinedKeeper(options);
    await listenOnSocket(keeper.#server, options.socket);
    return keeper;
  }

  private constructor(options: JoinedKeeperOptions) {
    this.#options = options;
    this.#server = createServer((local) => {
      this.#locals.add(local);
      local.on('error', () => undefined); // its close tells
      local.once('close', () => {
        this.#locals.delete(local);
        clearTimeout(this.#waiting.get(local));
        this.#waiting.delete(local);
      });
      this.#take(local);
    });
  }

  get state(): JoinedKeeperState {
    const { clock, name } = this.#options;
    if (this.#link) this.#lastSeenMs = clock.nowMs() - (clock.monoMs() - this.#link.relay.heardMs);
    const { boot = null, place = null, version = null } = this.#lastHello ?? {};
    return { name, isConnected: this.#link !== null, lastSeenMs: this.#lastSeenMs, boot, place, version };
  }

  /**
   * A second link may replace the first where it comes from the same keeper, whose first one is then dead or about to be found so.
   * @throws AppError CONFLICT for any other
   */
  requireFree({ boot, place }: LinkHello): void {
    const other = this.#link?.hello;
    if (!other || (other.boot === boot && other.place === place)) return;
    throw new AppError(
      'CONFLICT',
      `the keeper ${this.#options.name} is joined already, by ${other.place} of the machine that booted as ${other.boot}`,
      {
        remedy: `end that link first, or give this keeper a name of its own; one that died is forgotten within ${String(this.#options.times.deadMs / 1_000)} s`,
      },
    );
  }

  /**
   * Has the link at work as soon as its other end speaks.
   * @param mayStay asked every beat: false once its token is revoked
   */
  begin(stream: Duplex, about: { hello: LinkHello; seals: LinkSeals; mayStay: () => Promise<boolean> }): void {
    const { clock, times, log, name } = this.#options;
    const { hello, seals, mayStay } = about;
    const relay = new RelayLink({
      ...{ stream, seals, times, dial: null, now: () => clock.monoMs() },
      farewell: (why) => refusalLine('PEER_GONE', `the link to the keeper ${name} broke: ${why}`),
    });
    this.#pending?.end('another one was begun');
    this.#pending = relay;
    const watch = setInterval(() => {
      // A store that does not answer is no reason to lose a keeper: it may have to halt.
      void mayStay()
        .catch(() => true)
        .then((isAllowed) => {
          if (!isAllowed) relay.end('its token is not valid any more');
        });
    }, times.beatMs);
    void relay.ready.then(() => {
      if (this.#pending !== relay || relay.isOver) return;
      this.#pending = null;
      this.#link?.relay.end('the keeper made a new one');
      this.#link = { relay, hello };
      this.#lastHello = hello;
      log(`the keeper ${name} has joined: ${hello.place}, version ${hello.version}`);
      this.#options.onChange();
      for (const local of [...this.#waiting.keys()]) this.#take(local);
    });
    void relay.closed.then((why) => {
      clearInterval(watch);
      if (this.#pending === relay) this.#pending = null;
      if (this.#link?.relay !== relay) return;
      this.#lastSeenMs = this.state.lastSeenMs;
      this.#link = null;
      log(`the link of the keeper ${name} is over: ${why}; it reverts by itself what nobody renews`);
      this.#options.onChange();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pending?.end('the service ends');
    this.#link?.relay.end('the service ends');
    for (const local of this.#locals) local.destroy();
    await closeServer(this.#server);
  }

  #take(local: Socket): void {
    clearTimeout(this.#waiting.get(local));
    this.#waiting.delete(local);
    if (this.#link) this.#link.relay.relay(local);
    else if (this.#waiting.size >= MAX_WAITING) this.#refuse(local);
    else
      this.#waiting.set(
        local,
        setTimeout(() => {
          this.#refuse(local);
        }, PATIENCE_MS),
      );
  }

  #refuse(local: Socket): void {
    this.#waiting.delete(local);
    local.write(refusalLine('KEEPER_UNREACHABLE', awayText(this.state), awayRemedy(this.state)));
    local.destroySoon();
  }
}

/** Why nothing can be asked of it, in words. */
export function awayText({ name, lastSeenMs }: Pick<JoinedKeeperState, 'name' | 'lastSeenMs'>): string {
  return lastSeenMs === null
    ? `the keeper ${name} has not joined since this service started`
    : `the keeper ${name} is away; it was last heard of at ${new Date(lastSeenMs).toISOString()}`;
}

export function awayRemedy({ name }: Pick<JoinedKeeperState, 'name'>): string {
  return `start holdfast keeper-link on the machine of ${name}, or look at its log`;
}

function refusalLine(code: string, message: string, remedy?: string): string {
  const line: FromKeeper = { id: 0, ok: false, code, message, ...(remedy === undefined ? {} : { remedy }) };
  return `${JSON.stringify(line)}\n`;
}
