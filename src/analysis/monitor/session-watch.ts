// BGP sessions as observers tell them: which are down, since when and why.
import type { EventOf } from '../../core/journal.ts';

/** A session that was never seen up may just be coming up. */
const COMING_UP_MS = 10_000;
const UP = 'Established';
/** A session and the set it carries change within this long of each other: observers look at sessions less often than at routes. */
const TOGETHER_MS = 5_000;

export type Session = {
  router: string;
  peer: string;
  node: string | null;
  state: string;
  reason: string;
  /** When it went down, or was first seen not up; null while it is up. */
  downT: number | null;
  wasUp: boolean;
  isTold: boolean;
  /** Of the last time that it went down. */
  lastDown: { t: number; reason: string } | null;
};

export type SessionNews = { at: 'begin' | 'end'; subject: string; t: number; session: Session };

export class SessionWatch {
  readonly #sessions = new Map<string, Session>();

  take(event: EventOf<'bgp-session'>): SessionNews[] {
    const { router, peer, node, state, reason, t } = event;
    const key = `${router} ${peer}`;
    let session = this.#sessions.get(key);
    if (!session) {
      session = { router, peer, node, state, reason, downT: null, wasUp: false, isTold: false, lastDown: null };
      this.#sessions.set(key, session);
    }
    session.state = state;
    session.node = node;
    if (state === UP) {
      const wasTold = session.isTold;
      Object.assign(session, { downT: null, wasUp: true, isTold: false, reason: '' });
      return wasTold && !this.#isDown(subjectOf(session)) ? [{ at: 'end', subject: subjectOf(session), t, session }] : [];
    }
    // The states that it goes through while it is down tell nothing new; a reason may come a moment later.
    if (session.reason === '') session.reason = reason;
    if (session.downT === null) {
      session.downT = t;
      session.reason = reason;
    }
    session.lastDown = { t: session.downT, reason: session.reason };
    return session.wasUp ? this.#tell(session) : [];
  }

  advance(nowT: number): SessionNews[] {
    return [...this.#sessions.values()].flatMap((session) =>
      session.downT !== null && nowT >= session.downT + COMING_UP_MS ? this.#tell(session) : [],
    );
  }

  /** Why the sessions of these nodes went down around `t`, of those that did. */
  downAround(nodes: readonly string[], t: number): { node: string; reason: string }[] {
    const found = new Map<string, string>();
    for (const { node, lastDown } of this.#sessions.values()) {
      if (node === null || !nodes.includes(node) || lastDown === null || Math.abs(lastDown.t - t) > TOGETHER_MS) continue;
      found.set(node, found.get(node) ?? lastDown.reason);
    }
    return [...found].map(([node, reason]) => ({ node, reason }));
  }

  /** All of them as they stand. */
  standing(): EventOf<'bgp-session'>[] {
    const about = { type: 'bgp-session', t: 0, from: 'monitor', seq: 0, observer: 'bgp' } as const;
    return [...this.#sessions.values()].map(({ router, peer, node, state, reason }) => ({ ...about, router, peer, node, state, reason }));
  }

  values(): Iterable<Session> {
    return this.#sessions.values();
  }

  snapshot(): [string, Session][] {
    return [...this.#sessions];
  }

  restore(sessions: readonly [string, Session][]): void {
    for (const [key, session] of sessions) this.#sessions.set(key, session);
  }

  #tell(session: Session): SessionNews[] {
    if (session.isTold || session.downT === null) return [];
    session.isTold = true;
    return [{ at: 'begin', subject: subjectOf(session), t: session.downT, session }];
  }

  #isDown(subject: string): boolean {
    return [...this.#sessions.values()].some((session) => session.isTold && subjectOf(session) === subject);
  }
}

function subjectOf({ node, peer }: Session): string {
  return node ?? peer;
}
