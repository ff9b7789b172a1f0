// A keeper and a janitor at work on a network in memory, over one real journal on disk.
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { JournalEvent } from '../../src/core/journal.ts';
import { keeperFile, type KeeperFile, type PlannedFault } from '../../src/core/keeper-messages.ts';
import { monoMs } from '../../src/io/clock.ts';
import { readMessages, writeMessage } from '../../src/io/ndjson.ts';
import { FAULTS } from '../../src/keeper/faults/index.ts';
import { HaltFile } from '../../src/keeper/halt-file.ts';
import { JanitorLink } from '../../src/keeper/janitor-link.ts';
import { toJanitor } from '../../src/keeper/janitor-messages.ts';
import { Janitor } from '../../src/keeper/janitor.ts';
import { KeeperContact } from '../../src/keeper/keeper-contact.ts';
import { KeeperJournal } from '../../src/keeper/keeper-journal.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import { BOOT } from './keeper-records.ts';
import { SmallNetwork } from './small-network.ts';

export class KeeperBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  readonly network: SmallNetwork;
  readonly file: KeeperFile;
  readonly halt = new HaltFile(this.folder);
  readonly events: JournalEvent[] = [];
  readonly logged: string[] = [];
  /** As the janitor finds its keeper. */
  isKeeperAlive = true;
  isKeeperAnswering = true;
  hasCommandInFlight = false;
  /** Starts no janitor. */
  isJanitorMissing = false;
  machineBoot = BOOT;
  revertMs = 2_000;
  readonly #stop = new AbortController();
  readonly #opened = new AsyncDisposableStack();

  constructor(file: Record<string, unknown> = {}, network = new SmallNetwork()) {
    this.network = network;
    const { nodes, vips } = network.environment;
    const allow = { faults: FAULTS.map(({ kind }) => kind), nodes: nodes.map(({ name }) => name), vips: vips.map(({ name }) => name) };
    this.file = keeperFile.parse({ armed: true, allow, leaseMs: 1_000, quarantineMs: 500, ...file });
  }

  journal(by: 'keeper' | 'janitor'): KeeperJournal {
    return this.#opened.use(new KeeperJournal(this.folder, by, monoMs));
  }

  /** A keeper at work; its janitor works in this process too. */
  keeper(): Keeper {
    const { file, halt, machineBoot, revertMs } = this;
    const log = (text: string) => this.logged.push(text);
    const keeper = new Keeper(
      { journal: this.journal('keeper'), surroundings: this.#surroundings(), file, halt, machineBoot, revertMs, now: monoMs, log },
      (isQuiet) => new JanitorLink({ spawn: () => this.#janitorProcess(), readyMs: 2_000, isQuiet, now: monoMs, log }),
    );
    const working = keeper.run(this.#stop.signal);
    this.#opened.defer(() => working);
    return keeper;
  }

  /** A janitor alone, whose keeper is as the fields above say. */
  janitor(): Janitor {
    return this.#janitorWith(
      new KeeperContact(
        { pid: 1, startTicks: '1' },
        () => this.isKeeperAlive,
        (ping) => {
          if (this.isKeeperAnswering) queueMicrotask(() => this.#contact?.take({ op: 'pong', ping, isQuiet: true }));
        },
      ),
    );
  }

  /** Hears the events of a run. */
  readonly audience = (event: JournalEvent): void => {
    this.events.push(event);
  };

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.network.isHanging = false;
    this.isKeeperAlive = false;
    await this.#opened.disposeAsync();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #contact: KeeperContact | null = null;

  #surroundings() {
    return { environment: this.network.environment, devices: this.network.devices, faults: FAULTS };
  }

  #janitorWith(contact: KeeperContact): Janitor {
    this.#contact = contact;
    const janitor = new Janitor({
      journal: this.journal('janitor'),
      surroundings: this.#surroundings(),
      file: this.file,
      contact,
      machineBoot: this.machineBoot,
      revertMs: this.revertMs,
      now: monoMs,
      isHalted: () => this.halt.isThere(),
      hasCommandInFlight: () => this.hasCommandInFlight,
      log: (text) => this.logged.push(text),
    });
    const working = janitor.run(this.#stop.signal).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
    this.#opened.defer(() => working);
    return janitor;
  }

  #janitorProcess(): ChildProcess {
    const child = Object.assign(new EventEmitter(), {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      pid: process.pid,
      kill: () => true,
      unref: () => undefined,
    }) as unknown as ChildProcess & { stdin: PassThrough; stdout: PassThrough };
    if (this.isJanitorMissing) {
      queueMicrotask(() => child.emit('exit', 1, null));
      return child;
    }
    const contact = new KeeperContact(
      { pid: 1, startTicks: '1' },
      () => this.isKeeperAlive,
      (ping) => writeMessage(child.stdout, { op: 'ping', ping }),
    );
    const janitor = this.#janitorWith(contact);
    void (async () => {
      for await (const message of readMessages(child.stdin, toJanitor)) {
        if (message.op === 'renewed') janitor.renewed(message.epoch, message.atMs);
        else if (message.op === 'pong') contact.take(message);
        else if (janitor.isWatching(message.key)) writeMessage(child.stdout, { op: 'watching', key: message.key });
      }
    })();
    return child;
  }
}

/** `bgp-session-down` at n2 for 10 s, unless told otherwise. */
export function aFault(rest: Partial<PlannedFault> = {}): PlannedFault {
  return { fault: 'f1', kind: 'bgp-session-down', target: 'n2', forMs: 10_000, params: {}, ...rest };
}
