// What the flows of one population are held with.
import type { Assignment, Population } from '../core/control.ts';
import type { Answer } from '../core/wire.ts';
import type { IdentityCache } from './identity-cache.ts';
import type { Protocol } from './protocols/protocol.ts';
import type { SelfHealth } from './self-health.ts';
import { type Sighting, sighting } from './sighting.ts';
import type { Account, TallyBook } from './tally-book.ts';
import type { Tell } from './told.ts';

export type Holding = {
  population: Population;
  protocol: Protocol;
  account: Account;
  nodes: Assignment['nodes'];
  book: TallyBook;
  identities: IdentityCache;
  health: SelfHealth;
  tell: Tell;
  /** Run clock, ms. */
  nowT: () => number;
};

/** What an answer to a hello tells, remembered for every other flow too. */
export function see(holding: Holding, answer: Answer, sourceAddress: string): Sighting {
  const { identities, population, nodes } = holding;
  const identity = identities.learn(answer);
  return sighting({ identity, sourceAddress, observedSource: answer.observedAddress, policy: population.vip.policy, nodes });
}
