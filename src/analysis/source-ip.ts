// Did the client's address survive? Per vantage, VIP and ingress, and if not, which hop rewrote it.
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import type { Node } from '../core/environment.ts';
import { nodeOfAddress } from '../core/ingress.ts';
import type { Report, SourceIpVerdict } from '../core/report-format.ts';
import type { Flow, Sighting } from './flow-life.ts';
import { compareTexts, UNKNOWN } from './matrix.ts';
import type { RunFacts } from './run-facts.ts';
import type { ScopedFlows } from './scopes.ts';

export type SourceVerdict = { verdict: SourceIpVerdict; rewrittenBy: string | null };

/** Judges observed sources against the address sent from, the nodes' addresses and their pod CIDRs; remembers each address. */
export class SourceJudge {
  readonly #nodes: readonly Node[];
  readonly #owners = new Map<string, string | null>();

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  judge(sourceAddress: string, observedSource: string): SourceVerdict {
    if (observedSource === sourceAddress) return { verdict: 'preserved', rewrittenBy: null };
    if (canonicalAddress(observedSource) === null) return { verdict: 'unknown', rewrittenBy: null };
    let owner = this.#owners.get(observedSource);
    if (owner === undefined) {
      owner = nodeOfAddress(observedSource, this.#nodes);
      this.#owners.set(observedSource, owner);
    }
    return owner === null ? { verdict: 'other-snat', rewrittenBy: null } : { verdict: 'node-snat', rewrittenBy: owner };
  }
}

/** The source-IP table. A flow counts once for each combination that it showed, so a flow that moved counts on both of its paths. */
export function sourceIpOf(facts: RunFacts, scopes: readonly ScopedFlows[]): Report['sourceIp'] {
  const judge = new SourceJudge(facts.environment.nodes ?? []);
  const vips = new Map((facts.environment.vips ?? []).map((vip) => [vip.name, vip]));
  const rows = new Map<string, Report['sourceIp'][number]>();
  for (const { scope, flows } of scopes) {
    const vip = vips.get(scope.vip);
    for (const flow of flows) {
      const { sourceAddress } = flow.opened;
      for (const { ingress: seenOn, observedSource } of distinctSightings(flow)) {
        const { verdict, rewrittenBy } = judge.judge(sourceAddress, observedSource);
        const ingress = seenOn ?? UNKNOWN;
        const key = `${scope.vantage} ${scope.vip} ${ingress} ${verdict} ${rewrittenBy ?? ''}`;
        const row = rows.get(key);
        if (row) row.flows += 1;
        else {
          const family = vip?.family ?? familyOf(sourceAddress);
          rows.set(key, {
            vantage: scope.vantage,
            vip: scope.vip,
            policy: vip?.policy ?? UNKNOWN,
            family,
            ingress,
            verdict,
            rewrittenBy,
            flows: 1,
          });
        }
      }
    }
  }
  return [...rows.values()].sort((a, b) =>
    compareTexts(
      [a.vip, a.vantage, a.ingress, a.verdict, a.rewrittenBy ?? ''],
      [b.vip, b.vantage, b.ingress, b.verdict, b.rewrittenBy ?? ''],
    ),
  );
}

/** The opening, and every later sighting that shows another ingress or source than all before it. */
export function distinctSightings({ opened, changes }: Flow): readonly Sighting[] {
  if (changes.length === 0) return [opened];
  return [...new Map([opened, ...changes].map((sighting) => [`${sighting.ingress ?? ''} ${sighting.observedSource}`, sighting])).values()];
}
