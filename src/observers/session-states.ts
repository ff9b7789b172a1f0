// The BGP sessions of a router as they were last read: which of them are news.
import { type BgpSession, PEER_IS_GONE } from '../core/capabilities.ts';

export type SessionNews = Pick<BgpSession, 'peer' | 'state' | 'reason'>;

export class SessionStates {
  #known = new Map<string, SessionNews>();

  /** Takes one reading of all sessions; returns those whose state changed, all of them when told `anew`. */
  saw(sessions: readonly BgpSession[], anew: boolean): SessionNews[] {
    const gone = [...this.#known.keys()]
      .filter((peer) => !sessions.some((session) => session.peer === peer))
      .map((peer) => ({ peer, state: 'Idle', reason: PEER_IS_GONE }));
    const news = sessions.filter((session) => anew || this.#known.get(session.peer)?.state !== session.state);
    this.#known = new Map(sessions.map((session) => [session.peer, session]));
    // An established session still carries the reason of its last reset.
    return [...gone, ...news.map(({ peer, state, reason }) => ({ peer, state, reason: state === 'Established' ? '' : reason }))];
  }
}
