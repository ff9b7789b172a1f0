// When the next-hop set of a VIP changed: as its observers tell, or, where there is none, as flows and fresh dials show.
import type { KnownSet, NextHopHistory, VipChange } from '../next-hop-history.ts';
import { type SetHistory } from '../set-history.ts';
import { isSameSet } from '../set-history.ts';

type Accepted = { source: string; nodes: readonly string[]; t: number };
export type SetWatchSnapshot = { accepted: Accepted[]; from: KnownSet['from'] };

/** A change, and who told it: a router's observer, or a vantage's flows. */
export type SourcedChange = VipChange & { source: string };

export class SetWatch {
  readonly #vip: string;
  #accepted: Accepted[] = [];
  #from: KnownSet['from'] = 'flows';

  constructor(vip: string) {
    this.#vip = vip;
  }

  /** The set as everybody who sees it tells it, changed or not since; null when nobody does, or they disagree. */
  get current(): { nodes: readonly string[] | null; from: KnownSet['from']; sinceT: number | null } {
    const [first, ...rest] = this.#accepted;
    const isAgreed = first !== undefined && rest.every((each) => isSameSet(each.nodes, first.nodes));
    const sinceT = this.#accepted.length === 0 ? null : Math.max(...this.#accepted.map(({ t }) => t));
    return { nodes: isAgreed ? first.nodes : null, from: this.#from, sinceT };
  }

  /**
   * Changes that were not told yet, in order of time. The first set of a source is no change.
   * @param isPostponed whether an inferred loss of a hop is not to be believed for now
   */
  read(
    { observed, inferred }: Pick<NextHopHistory, 'observed' | 'inferred'>,
    isPostponed: (source: string, hop: string) => boolean,
  ): SourcedChange[] {
    const sets: { source: string; history: SetHistory }[] =
      observed.length > 0
        ? observed.map(({ router, history }) => ({ source: router, history }))
        : inferred.map(({ vantage, history }) => ({ source: vantage, history }));
    const from = observed.length > 0 ? 'observer' : 'flows';
    // From here on observers tell: what flows had shown is not compared with it.
    if (from !== this.#from) this.#accepted = [];
    this.#from = from;
    // A vantage of which nothing is left speaks for nobody, as long as another does.
    const heard = this.#accepted.filter((each) => sets.some(({ source }) => source === each.source));
    if (from === 'flows' && heard.length > 0) this.#accepted = heard;
    return sets.flatMap(({ source, history }) => this.#changesOf(source, history, isPostponed)).sort((a, b) => a.t - b.t);
  }

  snapshot(): SetWatchSnapshot {
    return { accepted: this.#accepted, from: this.#from };
  }

  restore({ accepted, from }: SetWatchSnapshot): void {
    this.#accepted = [...accepted];
    this.#from = from;
  }

  #changesOf(source: string, history: SetHistory, isPostponed: (source: string, hop: string) => boolean): SourcedChange[] {
    const changes: SourcedChange[] = [];
    for (const [place, { t, nodes }] of history.entries()) {
      if (nodes === null) continue;
      const index = this.#accepted.findIndex((each) => each.source === source);
      const known = this.#accepted[index];
      if (!known) {
        this.#accepted.push({ source, nodes, t });
        continue;
      }
      // What flows show may be proved late, and then lies before a change that was told already.
      const isNews = t > known.t || (this.#from === 'flows' && place === history.length - 1);
      if (!isNews || isSameSet(known.nodes, nodes)) continue;
      if (this.#from === 'flows' && known.nodes.some((hop) => !nodes.includes(hop) && isPostponed(source, hop))) continue;
      changes.push({ source, vip: this.#vip, t, before: known.nodes, after: nodes });
      this.#accepted[index] = { source, nodes, t: Math.max(t, known.t) };
    }
    return changes;
  }
}
