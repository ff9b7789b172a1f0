// Monitors on a real folder and a real store, with stepped clocks, and agents played by hand.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chunk, type ChunkAnswer, type Order } from '../../../../src/core/agent-messages.ts';
import type { Environment } from '../../../../src/core/environment.ts';
import type { Finding } from '../../../../src/core/finding.ts';
import type { JournalEvent } from '../../../../src/core/journal.ts';
import type { MonitorSpec } from '../../../../src/core/service-file.ts';
import { signingKey, verifiedOrder } from '../../../../src/io/order-signature.ts';
import { openMonitors, type MonitorsOptions, type OpenMonitors } from '../../../../src/service/monitors/open-monitors.ts';
import { openStore, type Store } from '../../../../src/service/store/open-store.ts';
import { aCatalogue, aChunk, aMonitorSpec, anAgentState, SteppedClock } from './a-monitor.ts';

export const DAY_MS = 86_400_000;

export type BenchOptions = {
  monitors?: readonly MonitorSpec[];
  environment?: Partial<Environment>;
  machineBoot?: string;
  retention?: MonitorsOptions['retention'];
  program?: MonitorsOptions['program'];
  onEvents?: MonitorsOptions['onEvents'];
};

export class Bench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-monitors-'));
  readonly clock = new SteppedClock();
  readonly store: Store;
  /** Every state of a finding that the alerts were told. */
  readonly told: Finding[] = [];
  readonly orders: { agent: string; order: Order }[] = [];
  readonly announced: string[] = [];
  readonly logged: string[] = [];
  monitors!: OpenMonitors;
  #options: BenchOptions;

  private constructor(store: Store, options: BenchOptions) {
    this.store = store;
    this.#options = options;
  }

  /** Opens monitors with agents `a1` and `a2` at the vantages. */
  static async open(options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(await openStore(':memory:'), options);
    await bench.restart();
    for (const [name, vantage] of [
      ['a1', 'v1'],
      ['a2', 'v2'],
    ] as const) {
      await bench.monitors.addAgent({ name, environment: 'three-nodes', vantage });
    }
    return bench;
  }

  /** Opens the monitors again as another process would; the one before is left as a kill leaves it, unless it was disposed. */
  async restart(changes: BenchOptions = {}): Promise<void> {
    this.#options = { ...this.#options, ...changes };
    const { monitors = [aMonitorSpec()], environment, machineBoot = 'boot-1', retention, program, onEvents } = this.#options;
    const pem: { key?: string } = {};
    this.monitors = await openMonitors({
      store: this.store,
      catalogue: aCatalogue(environment),
      monitors,
      sendOrder: (agent, signed) => {
        // The key is not told before all is open; the first orders go out on the way.
        pem.key ??= readPublicKey(this.folder);
        this.orders.push({ agent, order: verifiedOrder(signed, pem.key) });
        return Promise.resolve();
      },
      clock: this.clock,
      announce: (topic, subject) => this.announced.push(`${topic} ${subject}`),
      onFinding: (finding) => {
        this.told.push(finding);
        return Promise.resolve();
      },
      program: program ?? ['/no/such/program'],
      folder: this.folder,
      labPrefix: 'hf',
      retention: retention ?? { segments: 7 * DAY_MS, history: 90 * DAY_MS, maxBytes: 2 ** 31 },
      log: (line) => this.logged.push(line),
      machineBoot,
      tickEveryMs: null,
      ...(onEvents && { onEvents }),
    });
  }

  /** The session that an agent was told of last. */
  sessionOf(monitor = 'web', agent = 'a1'): string {
    const newest = this.orders.findLast((each) => each.agent === agent)?.order;
    return newest?.holdings.find((holding) => holding.monitor === monitor)?.session ?? '';
  }

  async send(agent: string, fields: Partial<Chunk>): Promise<ChunkAnswer> {
    return await this.monitors.takeChunk(agent, aChunk({ session: this.sessionOf(), ...fields }));
  }

  /** Time goes by, a second at a time; agents named tell their state, and everything is judged. */
  async pass(seconds: number, heard: readonly string[] = ['a1', 'a2']): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.step(1_000);
      for (const agent of heard) await this.monitors.takeState(agent, anAgentState({ serial: this.#serialOf(agent) }));
      await this.monitors.tick();
    }
  }

  /** Every event in the segments of a monitor, in the order of its files. */
  journalled(monitor = 'web'): (JournalEvent & { stream: string })[] {
    return this.segments(monitor).flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as JournalEvent & { stream: string })
        .filter((event) => 'stream' in event),
    );
  }

  segments(monitor = 'web'): string[] {
    const folder = join(this.folder, 'segments', monitor);
    return (readdirSync(folder, { recursive: true }) as string[])
      .filter((file) => file.endsWith('.ndjson'))
      .sort()
      .map((file) => join(folder, file));
  }

  async findings(): Promise<Finding[]> {
    const rows = await this.store.selectFrom('findings').select('json').orderBy('opened_ms').orderBy('id').execute();
    return rows.map(({ json }) => JSON.parse(json) as Finding);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.monitors[Symbol.asyncDispose]();
    await this.store.destroy();
    rmSync(this.folder, { recursive: true });
  }

  #serialOf(agent: string): number {
    return this.orders.findLast((each) => each.agent === agent)?.order.serial ?? -1;
  }
}

function readPublicKey(folder: string): string {
  return signingKey(readFileSync(join(folder, 'order-key.pem'), 'utf8')).publicPem;
}
