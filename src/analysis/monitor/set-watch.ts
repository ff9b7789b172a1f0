// When the next-hop set of a VIP changed: as its observers tell, or, where none sees it, as flows and fresh dials show.
//
// Who tells may change: observers go blind, and see again. What was told last stands then, and the next one is compared with it.
import type { InferredSet } from '../inferred-sets.ts';
import type { KnownSet, VipChange } from '../next-hop-history.ts';
import type { ObservedSet } from '../observed-sets.ts';
import { isSameSet, type SetHistory } from '../set-history.ts';

/** What a source told, or showed, last. `toldT`: of its last change, before every instant when it told none. */
type Accepted = { source: string; nodes: readonly string[]; t: number; toldT: number };
type From = KnownSet['from'];
export type SetWatchSnapshot = {
  observed: Accepted[];
  inferred: Accepted[];
  from: From;
  speaking: string[];
  last: { nodes: readonly string[]; t: number } | null;
  flowsSinceT: number;
};

/** A change, and who told it: a router's observer, or a vantage's flows. */
export type SourcedChange = VipChange & { source: string; from: From };

const BEGINNING_T = -1e12;

export class SetWatch {
  readonly #vip: string;
  #observed: Accepted[] = [];
  #inferred: Accepted[] = [];
  #from: From = 'flows';
  /** Routers that are seen, or vantages of which anything is known. */
  #speaking: string[] = [];
  /** What observers told before they went blind: flows are compared with it. */
  #last: SetWatchSnapshot['last'] = null;
  #flowsSinceT = BEGINNING_T;

  constructor(vip: string) {
    this.#vip = vip;
  }

  get isObserved(): boolean {
    return this.#from === 'observer';
  }

  /** From here on flows tell; what they did before, observers told. */
  get flowsSinceT(): number {
    return this.#flowsSinceT;
  }

  /** The set as everybody who sees it tells it, changed or not since; null when nobody does, or they disagree. */
  get current(): { nodes: readonly string[] | null; from: From; sinceT: number | null } {
    const told = this.#told.filter(({ source }) => this.#speaking.includes(source));
    const sinceT = told.length === 0 ? null : Math.max(...told.map(({ t }) => t));
    return { nodes: agreed(told), from: this.#from, sinceT };
  }

  /** The set as one of those who tell it now does; null for all others. */
  of(source: string): { nodes: readonly string[]; t: number } | null {
    if (!this.#speaking.includes(source)) return null;
    return this.#told.find((each) => each.source === source) ?? null;
  }

  /** What a vantage's flows are compared with. */
  priorOf(vantage: string): readonly string[] {
    return (this.#inferred.find(({ source }) => source === vantage) ?? this.#last)?.nodes ?? [];
  }

  /** Changes that were not told yet, in order of time. The first set of a router is no change. */
  readObserved(observed: readonly ObservedSet[]): SourcedChange[] {
    const seeing = observed.filter(({ history }) => history.at(-1)?.nodes != null);
    if (this.#from === 'flows' && seeing.length === 0) return [];
    if (this.#from === 'flows') this.#seeAgain(observed);
    const changes = observed.flatMap(({ router, history }) => this.#changesOf(router, history)).sort((a, b) => a.t - b.t);
    if (seeing.length > 0) this.#speaking = seeing.map(({ router }) => router);
    else this.#goBlind(observed);
    return changes;
  }

  /**
   * Changes that were not told yet, in order of time. The first set of a vantage is no change where no observer told one before.
   * @param isPostponed whether a loss of a hop is not to be believed for now
   */
  readInferred(inferred: readonly InferredSet[], isPostponed: (source: string, hop: string) => boolean): SourcedChange[] {
    // A vantage of which nothing is left speaks for nobody, as long as another does.
    if (inferred.length > 0) this.#speaking = inferred.map(({ vantage }) => vantage);
    return inferred.flatMap(({ vantage, history }) => this.#changesOf(vantage, history, isPostponed)).sort((a, b) => a.t - b.t);
  }

  snapshot(): SetWatchSnapshot {
    return {
      observed: this.#observed,
      inferred: this.#inferred,
      from: this.#from,
      speaking: this.#speaking,
      last: this.#last,
      flowsSinceT: this.#flowsSinceT,
    };
  }

  restore({ observed, inferred, from, speaking, last, flowsSinceT }: SetWatchSnapshot): void {
    this.#observed = [...observed];
    this.#inferred = [...inferred];
    this.#from = from;
    this.#speaking = [...speaking];
    this.#last = last;
    this.#flowsSinceT = flowsSinceT;
  }

  get #told(): Accepted[] {
    return this.#from === 'observer' ? this.#observed : this.#inferred;
  }

  /** Observers tell from here on: anew, or compared with what flows showed while they were blind. Before any told, flows are not. */
  #seeAgain(observed: readonly ObservedSet[]): void {
    const { nodes } = this.current;
    this.#from = 'observer';
    if (nodes === null || agreed(this.#observed) === null) return;
    this.#observed = this.#observed.map((each) => {
      const blindT = observed.find(({ router }) => router === each.source)?.history.findLast((entry) => entry.nodes === null)?.t;
      return blindT === undefined ? each : { ...each, nodes, t: blindT };
    });
  }

  #goBlind(observed: readonly ObservedSet[]): void {
    const t = Math.max(...observed.map(({ history }) => history.at(-1)?.t ?? BEGINNING_T));
    const nodes = agreed(this.#observed);
    this.#from = 'flows';
    this.#inferred = [];
    this.#speaking = [];
    this.#last = nodes && { nodes, t };
    this.#flowsSinceT = t;
  }

  #changesOf(source: string, history: SetHistory, isPostponed: ((source: string, hop: string) => boolean) | null = null): SourcedChange[] {
    const changes: SourcedChange[] = [];
    const from = this.#from;
    const told = this.#told;
    const newest = history.findLastIndex(({ nodes }) => nodes !== null);
    for (const [place, { t, nodes }] of history.entries()) {
      if (nodes === null) continue;
      let known = told.find((each) => each.source === source);
      if (!known) {
        const start = from === 'flows' && this.#last ? this.#last : { nodes, t };
        told.push((known = { source, ...start, toldT: BEGINNING_T }));
      }
      if (isSameSet(known.nodes, nodes)) continue;
      if (from === 'flows' && place === 0) {
        // What flows show at first, they show with hindsight: it stood so from the first second that anybody looked.
        if (t >= known.toldT) known.nodes = nodes;
        continue;
      }
      // What flows show may be proved late, and then lies before a change that was told already.
      if (t <= known.t && (from === 'observer' || place !== newest)) continue;
      const { nodes: before } = known;
      if (isPostponed && before.some((hop) => !nodes.includes(hop) && isPostponed(source, hop))) continue;
      changes.push({ source, from, vip: this.#vip, t, before, after: nodes });
      Object.assign(known, { nodes, t: Math.max(t, known.t), toldT: Math.max(t, known.toldT) });
    }
    return changes;
  }
}

/** What they all told; null when they disagree, or nobody did. */
function agreed(told: readonly Accepted[]): readonly string[] | null {
  const [first, ...rest] = told;
  return first !== undefined && rest.every((each) => isSameSet(each.nodes, first.nodes)) ? first.nodes : null;
}
