// Flows whose source address does not arrive as it was sent, where the policy promises that it does.
import type { Environment } from '../../core/environment.ts';
import { SourceJudge } from '../source-ip.ts';
import type { FlowStep, LiveFlow } from './flow-register.ts';

/** No flow shows a lost source any more, and none a preserved one: after this long nobody uses the path. */
const UNUSED_MS = 600_000;

/** One ingress of a VIP as one vantage uses it. */
type Use = {
  vantage: string;
  vip: string;
  path: string;
  lost: number;
  lostT: number;
  preservedT: number;
  rewrittenBy: string[];
  isOpen: boolean;
  /** Given up: the vantage is not heard of. */
  isUnseen: boolean;
};
export type SourceNews = Pick<Use, 'vantage' | 'vip' | 'path' | 'lost' | 'rewrittenBy'> & { at: 'begin' | 'end' | 'more'; t: number };

export class SourceWatch {
  readonly #judge: SourceJudge;
  readonly #localVips: ReadonlySet<string>;
  readonly #uses = new Map<string, Use>();

  constructor({ nodes, vips }: Environment) {
    this.#judge = new SourceJudge(nodes);
    this.#localVips = new Set(vips.filter((vip) => vip.policy === 'local').map((vip) => vip.name));
  }

  take(step: FlowStep, t: number): SourceNews[] {
    switch (step.kind) {
      case 'arrived':
        return this.#seen(step.flow, t);
      case 'moved':
        this.#gone(step.from);
        return this.#seen(step.flow, t);
      case 'recovered':
        return this.#seen(step.flow, t);
      case 'broke':
      case 'left':
        this.#gone(step.flow);
        return [];
      case 'mapped':
        return [];
    }
  }

  /** Paths of which nobody shows a lost source any more. */
  advance(nowT: number): SourceNews[] {
    const news: SourceNews[] = [];
    for (const use of this.#uses.values()) if (use.isOpen) news.push(...this.#endOf(use, nowT));
    return news;
  }

  /** Nothing is heard of the vantage any more; its flows may well live on as they are. */
  giveUp(about: Pick<Use, 'vantage' | 'vip' | 'path'>): void {
    Object.assign(this.#use(about), { isOpen: false, isUnseen: true });
  }

  /** What was given up goes on if nothing has changed. */
  heardAgain(vantage: string, t: number): SourceNews[] {
    const news: SourceNews[] = [];
    for (const use of this.#uses.values()) {
      if (!use.isUnseen || use.vantage !== vantage) continue;
      use.isUnseen = false;
      if (use.lost === 0 || use.isOpen) continue;
      use.isOpen = true;
      news.push(newsOf(use, 'begin', t));
    }
    return news;
  }

  snapshot(): [string, Use][] {
    return [...this.#uses];
  }

  restore(uses: readonly [string, Use][]): void {
    for (const [key, use] of uses) this.#uses.set(key, use);
  }

  #seen(flow: LiveFlow, t: number): SourceNews[] {
    if (!this.#localVips.has(flow.vip)) return [];
    const { verdict, rewrittenBy } = this.#judge.judge(flow.sourceAddress, flow.observedSource);
    if (verdict === 'unknown') return [];
    const use = this.#use(flow);
    if (verdict === 'preserved') {
      use.preservedT = t;
      return use.isOpen ? this.#endOf(use, t) : [];
    }
    use.lost += 1;
    use.lostT = t;
    if (rewrittenBy !== null && !use.rewrittenBy.includes(rewrittenBy)) use.rewrittenBy.push(rewrittenBy);
    const at = use.isOpen ? 'more' : 'begin';
    use.isOpen = true;
    return [newsOf(use, at, t)];
  }

  #gone(flow: LiveFlow): void {
    if (!this.#localVips.has(flow.vip)) return;
    const { verdict } = this.#judge.judge(flow.sourceAddress, flow.observedSource);
    if (verdict === 'node-snat' || verdict === 'other-snat') this.#use(flow).lost -= 1;
  }

  #endOf(use: Use, t: number): SourceNews[] {
    if (use.lost > 0 || (use.preservedT <= use.lostT && t < use.lostT + UNUSED_MS)) return [];
    const endT = use.preservedT > use.lostT ? use.preservedT : t;
    const news = newsOf(use, 'end', endT);
    Object.assign(use, { isOpen: false, rewrittenBy: [] });
    return [news];
  }

  #use({ vantage, vip, path }: Pick<Use, 'vantage' | 'vip' | 'path'>): Use {
    const key = `${vantage} ${vip} ${path}`;
    let use = this.#uses.get(key);
    if (!use) {
      use = { vantage, vip, path, lost: 0, lostT: -1, preservedT: -1, rewrittenBy: [], isOpen: false, isUnseen: false };
      this.#uses.set(key, use);
    }
    return use;
  }
}

function newsOf({ vantage, vip, path, lost, rewrittenBy }: Use, at: SourceNews['at'], t: number): SourceNews {
  return { vantage, vip, path, lost, rewrittenBy: [...rewrittenBy], at, t };
}
