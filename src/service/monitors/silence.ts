// Tells each watch whose agent is silent, and when it speaks again.
import type { Agents } from './agents.ts';
import { vantagesOf } from './monitor-plan.ts';
import type { WatchedSession } from './watched-session.ts';

export class Silence {
  readonly #agents: Agents;
  /** What each watch was told last of each vantage. */
  readonly #told = new WeakMap<WatchedSession, Map<string, 'heard' | 'silent'>>();

  constructor(agents: Agents) {
    this.#agents = agents;
  }

  /** Of an agent that this service has not heard yet, and could not have, nothing new is known. */
  tell(live: WatchedSession): void {
    const told = this.#told.get(live) ?? new Map<string, 'heard' | 'silent'>();
    this.#told.set(live, told);
    for (const vantage of vantagesOf(live.plan)) {
      const agent = this.#agents.at(live.plan.environment.name, vantage);
      const state = agent !== null && this.#agents.isSilent(agent) ? 'silent' : 'heard';
      if (told.get(vantage) === state || (state === 'heard' && agent?.hasSpoken === false)) continue;
      told.set(vantage, state);
      live.takeVantage({ vantage, state, sinceT: agent === null ? live.nowT() : agent.heardMonoMs - live.session.t0MonoMs });
    }
  }
}
