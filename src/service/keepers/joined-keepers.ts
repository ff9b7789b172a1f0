// The keepers on other machines that may join this service: those that its file lists, and no others.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { AppError } from '../../core/errors.ts';
import type { LinkAnswer, LinkHello } from '../../core/keeper-link.ts';
import { diskError } from '../../io/disk-error.ts';
import { answerHello } from '../../io/link-keys.ts';
import { keyFingerprint, type SigningKey } from '../../io/order-signature.ts';
import { LINK_TIMES, type LinkTimes } from '../../io/relay-link.ts';
import type { ServiceClock } from '../parts.ts';
import { awayText, JoinedKeeper, type JoinedKeeperState } from './joined-keeper.ts';

/** `socket`: path of the Unix socket that leads to it, on this machine. */
export type ListedKeeper = { name: string; environments: readonly string[]; socket: string };

export type JoinedKeepersOptions = {
  keepers: readonly ListedKeeper[];
  /** What the service proves itself with. */
  key: SigningKey;
  clock: ServiceClock;
  announce: (topic: string, subject: string) => void;
  log: (line: string) => void;
  times?: LinkTimes;
};

/** An admitted link, which begins once its stream is free of HTTP. */
export type Admission = { answer: LinkAnswer; begin: (stream: Duplex, mayStay: () => Promise<boolean>) => void };

type Known = Map<string, { keeper: JoinedKeeper; environments: readonly string[] }>;

export class JoinedKeepers implements AsyncDisposable {
  /** Fingerprint of the key that keepers pin. */
  readonly controllerKey: string;
  readonly #key: SigningKey;
  readonly #keepers: Known;
  readonly #opened: AsyncDisposable;

  private constructor(key: SigningKey, { keepers, opened }: { keepers: Known; opened: AsyncDisposable }) {
    this.#key = key;
    this.controllerKey = keyFingerprint(key.publicPem);
    this.#keepers = keepers;
    this.#opened = opened;
  }

  /** @throws AppError PORT_TAKEN, BAD_FLAG for too long a path, DISK */
  static async open({ keepers, key, clock, announce, log, times = LINK_TIMES }: JoinedKeepersOptions): Promise<JoinedKeepers> {
    await using opened = new AsyncDisposableStack();
    const known: Known = new Map();
    for (const { name, environments, socket } of keepers) {
      makeFolder(dirname(socket));
      const onChange = () => {
        announce('keeper', name);
      };
      known.set(name, { environments, keeper: opened.use(await JoinedKeeper.open({ name, socket, clock, times, onChange, log })) });
    }
    const closing = opened.move();
    return new JoinedKeepers(key, { keepers: known, opened: closing });
  }

  /** Of the keeper of an environment; null where it does not join from another machine. */
  at(environment: string): JoinedKeeperState | null {
    const found = [...this.#keepers.values()].find(({ environments }) => environments.includes(environment));
    return found?.keeper.state ?? null;
  }

  has(name: string): boolean {
    return this.#keepers.has(name);
  }

  /** A sentence for each that is away. */
  get problems(): string[] {
    return [...this.#keepers.values()].flatMap(({ keeper: { state }, environments }) =>
      state.isConnected ? [] : [`${capitalised(awayText(state))}: no run with faults can start in ${environments.join(', ')}.`],
    );
  }

  /**
   * Whether this keeper may join now, and what the service proves itself with.
   * @param name whose token was shown
   * @throws AppError FORBIDDEN for another name, or one that the file does not list; CONFLICT while another keeper has it; PROTOCOL
   */
  admit(name: string, hello: LinkHello): Admission {
    if (hello.keeper !== name) {
      throw new AppError('FORBIDDEN', `the token is that of the keeper ${name}, and ${hello.keeper} wants to join`, {
        remedy: 'give each keeper a token of its own',
      });
    }
    const keeper = this.#keepers.get(name)?.keeper;
    if (!keeper) {
      throw new AppError('FORBIDDEN', `the service's file lists no keeper ${name}`, {
        remedy: 'list it under keepers in serve.yaml, with its environments, and start the service again',
      });
    }
    keeper.requireFree(hello);
    const { answer, seals } = answerHello(hello, this.#key);
    return {
      answer,
      begin: (stream, mayStay) => {
        keeper.begin(stream, { hello, seals, mayStay });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened[Symbol.asyncDispose]();
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(path, cause);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
