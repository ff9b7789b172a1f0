// Tells the service every two seconds how the agent is, and learns the service's clock from the answers.
import type { AgentState } from '../core/agent-messages.ts';
import { messageOf } from '../core/errors.ts';
import type { ServiceClient } from './service-client.ts';
import type { ServiceClock } from './service-clock.ts';
import { isAborted, pause } from './waiting.ts';

export type ReporterOptions = {
  client: ServiceClient;
  clock: ServiceClock;
  /** All but the time, as it is now. */
  state: () => Omit<AgentState, 'sentMonoMs' | 'clock'>;
  now: () => number;
  log: (line: string) => void;
};

const EVERY_MS = 2_000;
/** What changed is told this soon. */
const LOOK_MS = 250;
/** The first exchanges come faster too: a clock is wanted before a prober may start. */
const BRISK_EXCHANGES = 4;

/** Tells it until the signal aborts, whether the service answers or not. */
export async function reportState({ client, clock, state, now, log }: ReporterOptions, signal: AbortSignal): Promise<void> {
  let told = 0;
  let trouble = '';
  while (!signal.aborted) {
    const found = await tellOnce();
    if (isAborted(signal)) return;
    if (found !== trouble) log(found === '' ? 'the service answers' : found);
    trouble = found;
    await untilDue();
  }

  async function untilDue(): Promise<void> {
    const isBrisk = trouble === '' && told < BRISK_EXCHANGES;
    const before = news();
    for (let ms = 0; ms < EVERY_MS && !signal.aborted; ms += LOOK_MS) {
      await pause(LOOK_MS, signal);
      if (isBrisk || (trouble === '' && news() !== before)) return;
    }
  }

  function news(): string {
    const { serial, holdings } = state();
    return JSON.stringify([serial, holdings.map(({ monitor, session, state: is, why }) => [monitor, session, is, why])]);
  }

  /** @returns what is wrong; empty when nothing is */
  async function tellOnce(): Promise<string> {
    try {
      const sentMs = now();
      const estimate = clock.serviceBoot === null ? null : clock.estimate(clock.serviceBoot, sentMs);
      const answer = await client.tellState({ ...state(), sentMonoMs: sentMs, clock: estimate }, signal);
      const { serviceBoot, receivedMonoMs, sentMonoMs } = answer;
      clock.learn(serviceBoot, { sentMs, receivedThereMs: receivedMonoMs, answeredThereMs: sentMonoMs, gotMs: now() });
      told += 1;
      return '';
    } catch (error) {
      return messageOf(error);
    }
  }
}
