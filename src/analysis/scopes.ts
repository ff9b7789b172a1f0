// The scopes of a run: each (vantage, VIP, protocol) that the scenario holds flows in, with its flows.
import type { Flow } from './flow-life.ts';
import type { RunFacts, Scope } from './run-facts.ts';

export type ScopedFlows = { scope: Scope; flows: Flow[] };

/** Scopes in the scenario's order; one that the scenario asked for and that has no flow is there too: no data is never good news. */
export function scopesOf(facts: RunFacts): ScopedFlows[] {
  const scopes = new Map<string, ScopedFlows>();
  const of = (vantage: string, vip: string, protocol: string) => {
    const key = `${vantage} ${vip} ${protocol}`;
    let scoped = scopes.get(key);
    if (!scoped) {
      scoped = { scope: { vantage, vip, protocol }, flows: [] };
      scopes.set(key, scoped);
    }
    return scoped;
  };
  const everyVantage = (facts.environment.vantages ?? []).map((vantage) => vantage.name);
  for (const group of facts.scenario.flows ?? []) {
    const protocol = facts.probes[group.probe]?.protocol;
    if (protocol === undefined) continue;
    for (const vantage of group.vantages === 'all' ? everyVantage : group.vantages) of(vantage, group.vip, protocol);
  }
  for (const flow of facts.flows) of(flow.vantage, flow.opened.vip, flow.opened.protocol).flows.push(flow);
  return [...scopes.values()];
}

export function isSameScope(one: Scope, other: Scope): boolean {
  return one.vantage === other.vantage && one.vip === other.vip && one.protocol === other.protocol;
}
