// One assignment, carried out: all flows of a vantage on one ticker.
//
//   every 10 ms:  own health -> send what is due -> (once the sockets were read) judge what waited long enough
//   every second: tell the tallies that can no longer change, and a pulse
import { setTimeout as sleep } from 'node:timers/promises';
import { type Assignment, FIRST_FLOWS_PER_SECOND, type FromProber, replacementsPerSecond } from '../core/control.ts';
import { AppError } from '../core/errors.ts';
import { environmentKey } from '../io/environment-key.ts';
import { afterPoll } from './after-poll.ts';
import { eventTeller } from './control-channel.ts';
import { DIAL_LIMIT_MS, Dialler, sourceAddressTo } from './dialler.ts';
import { mapSurvivors } from './final-map.ts';
import { FreshDials } from './fresh-dials.ts';
import { Gate } from './gate.ts';
import { HeldFlows } from './held-flows.ts';
import type { Holding } from './holding.ts';
import { IdentityCache } from './identity-cache.ts';
import { Mapping } from './mapping.ts';
import { PROTOCOLS } from './protocols/index.ts';
import type { Ours } from './kernel-readings.ts';
import type { Resources } from './resources.ts';
import { type HealthReadings, SelfHealth } from './self-health.ts';
import { portRange } from './source-ports.ts';
import { TallyBook } from './tally-book.ts';
import { startTicker, TICK_MS } from './ticker.ts';
import type { Tell } from './told.ts';

const PULSE_MS = 1_000;
const FINAL_SLACK_MS = 500;
const READ_BUFFER_BYTES = 64 << 10;
/**
 * Of replacements, and likewise of mapping dials, whose rate is bounded too: a burst of dials on top of a burst of breaks would take as
 * long as a stall. A dead path must not hold up the dials of the others, hence so many.
 */
const DIALS_UNDER_WAY = 8_192;
/** Eased in: the first dials of a process run code that was never run before, and fifty of them at once take as long as a stall. */
const RAMP = { perSecond: FIRST_FLOWS_PER_SECOND, maxUnderWay: 512, easeInMs: 300 };
/** Slow enough not to fill the routers' and nodes' tables of new connections. */
const FINAL_DIALS = { perSecond: 800, maxUnderWay: 1_024 };

export type ProberOptions = {
  say: (message: FromProber) => void;
  /** Monotonic, ms: the clock of `t0MonoMs`. */
  now: () => number;
  random: () => number;
  /** 64 random bits. */
  nonce: () => bigint;
  resources: Resources;
  readings: (ours: Ours) => HealthReadings;
};

/** Nothing happens before `start`. */
export class Work {
  readonly mapping: Mapping;
  readonly #assignment: Assignment;
  readonly #options: ProberOptions;
  readonly #tell: Tell;
  readonly #book: TallyBook;
  readonly #health: SelfHealth;
  readonly #dialler: Dialler;
  readonly #gates: Record<'ramp' | 'repair' | 'mapping' | 'final', Gate>;
  readonly #identities = new IdentityCache();
  readonly #ending = new AbortController();
  /** Aborted when heartbeats and fresh dials end. */
  readonly #beating = new AbortController();
  #held: HeldFlows[] = [];
  #fresh: FreshDials[] = [];
  #ticker: Disposable | null = null;
  #isJudging = false;
  #nextPulseT = 0;
  #lastIllT = -Infinity;

  constructor(assignment: Assignment, options: ProberOptions) {
    this.#assignment = assignment;
    this.#options = options;
    const { vantage, populations } = assignment;
    this.#tell = eventTeller(assignment, options.say);
    this.#health = new SelfHealth(
      this.nowT(),
      options.readings({ isOurs: (port) => this.#isOurs(port), sourceAddresses: dialledFrom(assignment) }),
      (illness) => {
        this.#lastIllT = illness.untilT;
        this.#tell(illness.untilT, 'prober.ill', { vantage, ...illness });
      },
    );
    this.#book = new TallyBook({
      finalAfterMs: Math.max(DIAL_LIMIT_MS, ...populations.map(({ stallAfterMs }) => stallAfterMs)) + FINAL_SLACK_MS,
      isIll: (bin) => this.#health.isIllBin(bin),
      tell: ({ vip, protocol, fresh, path, bin, tally, rtt }) => {
        this.#tell(this.nowT(), 'tally', { vantage, vip, protocol, path, bin, ...tally, ...(fresh ? { fresh } : {}), rtt });
      },
    });
    const key = environmentKey(Buffer.from(assignment.key, 'base64'));
    this.#dialler = new Dialler({
      tools: {
        keyId: key.id,
        mac: key.mac,
        runTag: BigInt(`0x${assignment.runTag}`),
        now: options.now,
        nonce: options.nonce,
        readBuffer: new Uint8Array(READ_BUFFER_BYTES),
      },
      range: portRange(options.resources.ephemeralPorts),
      random: options.random,
      sourceAddresses: assignment.sourceAddresses,
      stoodStillMs: (fromMs) => this.#health.illMs(fromMs - assignment.t0MonoMs, this.nowT()),
    });
    this.#gates = { ramp: new Gate(RAMP), repair: dialGate(populations), mapping: dialGate(populations), final: new Gate(FINAL_DIALS) };
    this.mapping = new Mapping({ dialler: this.#dialler, gate: this.#gates.mapping, observed: assignment.observed });
  }

  nowT(): number {
    return this.#options.now() - this.#assignment.t0MonoMs;
  }

  /** Opens all flows and lets the heartbeats begin; resolves when all were tried. */
  async start(): Promise<void> {
    if (this.#ticker) throw new AppError('PROTOCOL', 'start came twice');
    const { vantage, populations, clockErrMs, life, keepsDialling } = this.#assignment;
    const originT = this.nowT();
    this.#nextPulseT = originT + PULSE_MS;
    this.#health.tick(originT);
    const holdings = populations.map((population) => this.#holding(population));
    this.#held = holdings.map(
      (holding) =>
        new HeldFlows({
          vantage,
          life,
          keepsDialling,
          holding,
          dialler: this.#dialler,
          gates: this.#gates,
          originT,
          signal: this.#ending.signal,
          onBroken: (flow) => {
            if (!this.#beating.signal.aborted) this.mapping.broken(flow, holding);
          },
          sparePort: () => this.mapping.sparePort(),
        }),
    );
    this.#fresh = freshPopulations(holdings).map(
      ({ holding, perSecond }) => new FreshDials({ holding, perSecond, dialler: this.#dialler, originT, signal: this.#ending.signal }),
    );
    this.#ticker = startTicker({
      originMs: originT + this.#assignment.t0MonoMs,
      now: this.#options.now,
      onTick: () => {
        this.#tick();
      },
    });
    const tried = await Promise.all(this.#held.map((flows) => flows.open()));
    if (this.#ending.signal.aborted) return;
    const addresses = new Set(this.#held.flatMap((held) => held.flows.map((flow) => flow.sourceAddress)));
    this.#tell(this.nowT(), 'vantage.ready', {
      vantage,
      addresses: [...addresses],
      clockErrMs,
      opened: tried.reduce((sum, { opened }) => sum + opened, 0),
      failed: tried.reduce((sum, { failed }) => sum + failed, 0),
    });
  }

  /** Ends the heartbeats, waits for what is unanswered, and dials every survivor once more. */
  async finalMap(): Promise<void> {
    this.#beating.abort();
    this.mapping.edge();
    for (const held of this.#held) held.stopOpening();
    const waitMs = Math.max(0, ...this.#assignment.populations.map(({ timeoutMs }) => timeoutMs));
    const untilT = this.nowT() + waitMs;
    const isWaiting = () => !this.#ending.signal.aborted && this.#held.some((held) => held.isAnythingUnanswered);
    while (this.nowT() < untilT && isWaiting()) await sleep(TICK_MS);
    await mapSurvivors(this.#held, { dialler: this.#dialler, gate: this.#gates.final, signal: this.#ending.signal });
  }

  /** Closes every flow and tells all that is left to tell. */
  async stop(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#beating.abort();
    this.#ending.abort();
    this.mapping.edge();
    this.#ticker?.[Symbol.dispose]();
    this.#health.tick(this.nowT());
    // Dials that were under way have told that they were cancelled by then.
    await new Promise<void>((resolve) => {
      afterPoll(resolve);
    });
    for (const { flow } of this.#held.flatMap((held) => held.takeAll())) {
      flow.close(this.nowT());
      this.#tell(this.nowT(), 'flow.closed', { flow: flow.id });
    }
    this.#book.close();
  }

  #tick(): void {
    const nowT = this.nowT();
    this.#health.tick(nowT);
    for (const gate of Object.values(this.#gates)) gate.tick(nowT);
    if (!this.#beating.signal.aborted) {
      for (const held of this.#held) held.sendDue(nowT);
      for (const fresh of this.#fresh) fresh.dialDue(nowT);
    }
    if (nowT >= this.#nextPulseT) this.#pulse(nowT);
    if (this.#isJudging) return;
    this.#isJudging = true;
    afterPoll(() => {
      this.#isJudging = false;
      if (this.#ending.signal.aborted) return;
      for (const held of this.#held) held.judgeDue(nowT);
    });
  }

  #pulse(nowT: number): void {
    while (this.#nextPulseT <= nowT) this.#nextPulseT += PULSE_MS;
    this.#health.read(nowT);
    this.#book.flush(nowT);
    const sum = (count: (held: HeldFlows) => number) => this.#held.reduce((total, held) => total + count(held), 0);
    this.#options.say({
      type: 'pulse',
      t: nowT,
      open: sum((held) => held.flows.length),
      opening: sum((held) => held.opening),
      broken: sum((held) => held.broken),
      ill: nowT - this.#lastIllT < PULSE_MS,
      tally: this.#book.takePulse(),
      paths: this.#held.flatMap((held) => held.flowsByPath()),
    });
  }

  #holding(population: Assignment['populations'][number]): Holding {
    const protocol = PROTOCOLS.find(({ name }) => name === population.protocol);
    if (!protocol) throw new AppError('UNKNOWN_NAME', `there is no protocol ${population.protocol}`);
    return {
      population,
      protocol,
      account: { vip: population.vip.name, protocol: population.protocol, fresh: false },
      nodes: this.#assignment.nodes,
      book: this.#book,
      identities: this.#identities,
      health: this.#health,
      tell: this.#tell,
      nowT: () => this.nowT(),
    };
  }

  #isOurs(port: number): boolean {
    return PROTOCOLS.some((protocol) => this.#dialler.portsOf(protocol).isTaken(port));
  }
}

/** A vantage may have addresses that none of its flows needs: nobody is ill without those. */
function dialledFrom({ populations, sourceAddresses }: Assignment): string[] {
  return [...new Set(populations.flatMap(({ vip }) => sourceAddressTo(vip.address, sourceAddresses) ?? []))];
}

function dialGate(populations: Assignment['populations']): Gate {
  const breakable = populations.filter(({ protocol }) => PROTOCOLS.some(({ name, breaksForGood }) => name === protocol && breaksForGood));
  const flows = breakable.reduce((sum, { count }) => sum + count, 0);
  return new Gate({ perSecond: replacementsPerSecond(flows), maxUnderWay: DIALS_UNDER_WAY });
}

/** One line of fresh dials a VIP and protocol, however many populations share them: the briskest decides. */
function freshPopulations(holdings: readonly Holding[]): { holding: Holding; perSecond: number }[] {
  const byAccount = new Map<string, { holding: Holding; perSecond: number }>();
  for (const holding of holdings) {
    const { vip, protocol, freshDialsPerSec: perSecond } = holding.population;
    const name = `${vip.name} ${protocol}`;
    const known = byAccount.get(name);
    if (perSecond > (known?.perSecond ?? 0)) byAccount.set(name, { holding, perSecond });
  }
  return [...byAccount.values()];
}
