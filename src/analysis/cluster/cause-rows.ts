// The table of causes of a window: what happened, what became of next-hop sets by it, and whom it broke.
import type { CauseEvidence, UnexplainedBreaks, WindowCause, WindowReport } from '../../core/report-format.ts';
import { type Flow, isOpenAt } from '../flow-life.ts';
import { shareOf } from '../intervals.ts';
import type { VipChange } from '../next-hop-history.ts';
import type { RunFacts } from '../run-facts.ts';
import { lengthText, listText } from '../wording.ts';
import { type Attribution, type AttributedBreak, sourceKey } from './attribution.ts';
import { type Happening, happeningText, isPodHappening } from './happening.ts';
import { type ExplainedChange, movesOf, type Source } from './set-changes.ts';

/** Nearer than this, cause and effect were seen at the same time. */
const TOGETHER_MS = 20;

type Group = { source: Source; breaks: AttributedBreak[]; changes: ExplainedChange[] };

/** The window as it is reported, with its causes; as it was where no cluster was watched. */
export function withCauses(report: WindowReport, attribution: Attribution | null, facts: RunFacts): WindowReport {
  if (attribution === null) return report;
  const causes = causeRows(attribution, facts);
  const opening = report.eventCause === 'observed' ? openingOf(attribution) : undefined;
  const description = opening ? `${report.description} (${sourceText(opening.source)})` : report.description;
  return { ...report, description, causes, unexplained: unexplainedRows(attribution) };
}

/** Of the changes that opened the window the first that is explained; a later one within it tells of something else. */
function openingOf({ window, changes }: Attribution): ExplainedChange | undefined {
  const opens = ({ vip, t }: VipChange) => window.changes.some((each) => each.vip === vip && each.t === t);
  return changes.find(({ change, source }) => source.kind !== 'next-hops' && opens(change));
}

/** In order of time; happenings that broke nobody are there too, so that a person sees what was going on. */
function causeRows(attribution: Attribution, facts: RunFacts): WindowCause[] {
  const { window, causes, changes } = attribution;
  const groups = new Map<unknown, Group>();
  const groupOf = (source: Source) => {
    const key = sourceKey(source);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { source, breaks: [], changes: [] }));
    return group;
  };
  const vips = heldVips(facts);
  for (const happening of facts.cluster.happenings) {
    const isHere = happening.t >= window.fromT && happening.t < window.untilT;
    if (isHere && mayExplain(happening) && (happening.vip === null || vips.has(happening.vip))) groupOf({ kind: 'happening', happening });
  }
  for (const { source, breaks } of causes) groupOf(source).breaks.push(...breaks);
  for (const change of changes) groupOf(change.source).changes.push(change);
  return [...groups.values()]
    .flatMap((group) => rowsOf(group, facts))
    .sort((a, b) => a.t - b.t || compareNames(a.vip ?? '', b.vip ?? '') || compareNames(a.what, b.what));
}

/** By VIP, protocol and reason. */
function unexplainedRows(attribution: Attribution): UnexplainedBreaks[] {
  const { causes, unexplained } = attribution;
  const all = new Map<string, number>();
  const keyOf = ({ opened }: Flow) => `${opened.vip} ${opened.protocol}`;
  const count = (flow: Flow) => all.set(keyOf(flow), (all.get(keyOf(flow)) ?? 0) + 1);
  for (const { flow } of causes.flatMap(({ breaks }) => breaks)) count(flow);
  for (const { flow } of unexplained) count(flow);
  const groups = Map.groupBy(unexplained, ({ flow, why }) => `${keyOf(flow)} ${why}`);
  return [...groups.values()]
    .flatMap(([first, ...rest]): UnexplainedBreaks[] => {
      if (!first) return [];
      const { vip, protocol } = first.flow.opened;
      return [{ vip, protocol, share: shareOf(rest.length + 1, all.get(keyOf(first.flow)) ?? 0), why: first.why }];
    })
    .sort((a, b) => compareNames(`${a.vip} ${a.protocol} ${a.why}`, `${b.vip} ${b.protocol} ${b.why}`));
}

/** What the cause is called wherever one is named: in its row, in sentences. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case 'happening':
      return happeningText(source.happening);
    case 'fault':
      return source.edge === 'in' ? source.fault.headline : `${source.fault.kind} on ${source.fault.target} is reverted`;
    case 'next-hops':
      return `${movesText([{ change: source.change, source }])}, and nothing that was seen tells why`;
  }
}

/** A pod that became ready breaks no flow; where it brought its node back into a set, that is told with the set. */
function mayExplain(happening: Happening): boolean {
  return happening.kind !== 'pod-ready' || happening.isOnlyOfVip;
}

function rowsOf({ source, breaks, changes }: Group, facts: RunFacts): WindowCause[] {
  const own = source.kind === 'happening' ? source.happening.vip : source.kind === 'next-hops' ? source.change.vip : null;
  const vips = new Set([...breaks.map(({ flow }) => flow.opened.vip), ...changes.map(({ change }) => change.vip)]);
  return [...(vips.size > 0 ? vips : [own])].map((vip) => {
    const t = timeOf(source);
    const ownBreaks = breaks.filter(({ flow }) => flow.opened.vip === vip);
    const evidence: Partial<Record<CauseEvidence, number>> = {};
    for (const each of ownBreaks) evidence[each.evidence] = (evidence[each.evidence] ?? 0) + 1;
    return {
      t,
      kind: kindOf(source),
      vip,
      ...placeOf(source),
      what: sourceText(source),
      effect: effectOf(
        t,
        changes.filter(({ change }) => change.vip === vip),
        source,
      ),
      broken: brokenBy(vip, { fromT: sinceOf(source), breaks: ownBreaks }, facts),
      evidence,
    };
  });
}

function brokenBy(
  vip: string | null,
  { fromT, breaks }: { fromT: number; breaks: readonly AttributedBreak[] },
  facts: RunFacts,
): WindowCause['broken'] {
  if (vip === null) return [];
  const justBeforeT = Math.min(fromT, ...breaks.map(({ broken }) => broken.onsetT));
  const ours = Map.groupBy(breaks, ({ flow }) => flow.opened.protocol);
  const living = new Map<string, number>();
  const broken = new Set(breaks.map(({ flow }) => flow));
  for (const flow of facts.flows) {
    // A flow that the cause broke lived, whatever the clocks say.
    if (flow.opened.vip !== vip || (!broken.has(flow) && !livedAt(flow, justBeforeT))) continue;
    living.set(flow.opened.protocol, (living.get(flow.opened.protocol) ?? 0) + 1);
  }
  return [...living]
    .sort(([a], [b]) => compareNames(a, b))
    .map(([protocol, n]) => {
      const own = ours.get(protocol) ?? [];
      const byCause: Record<string, number> = {};
      for (const each of own) byCause[each.broken.cause] = (byCause[each.broken.cause] ?? 0) + 1;
      return { protocol, share: shareOf(own.length, n), byCause };
    });
}

function livedAt(flow: Flow, t: number): boolean {
  if (!isOpenAt(flow, t)) return false;
  return !flow.breaks.some(({ onsetT, recoveredT }) => onsetT < t && (recoveredT === null || recoveredT > t));
}

function timeOf(source: Source): number {
  switch (source.kind) {
    case 'happening':
      return source.happening.t;
    case 'fault':
      return (source.edge === 'in' ? (source.fault.inForceT ?? source.fault.intentT) : source.fault.revertingT) ?? 0;
    case 'next-hops':
      return source.change.t;
  }
}

function sinceOf(source: Source): number {
  return source.kind === 'happening' ? source.happening.sinceT : timeOf(source);
}

function kindOf(source: Source): WindowCause['kind'] {
  if (source.kind !== 'happening') return source.kind;
  const { kind } = source.happening;
  switch (kind) {
    case 'pod-ended':
    case 'pod-unready':
    case 'pod-ready':
      return 'pod';
    case 'node':
    case 'service':
    case 'speaker':
    case 'metallb':
      return kind;
  }
}

function placeOf(source: Source): { node: string | null; pod: string | null } {
  switch (source.kind) {
    case 'happening': {
      const { happening } = source;
      return { node: happening.node, pod: isPodHappening(happening) || happening.kind === 'speaker' ? happening.pod : null };
    }
    case 'fault':
      return { node: source.fault.target, pod: null };
    case 'next-hops':
      return { node: movesOf(source.change)[0]?.node ?? null, pod: null };
  }
}

function effectOf(t: number, changes: readonly ExplainedChange[], source: Source): string | null {
  if (source.kind === 'next-hops' || changes.length === 0) return null;
  return changes.map((each) => `${movesText([each])} ${apartText(each.change.t - t)}`).join('; ');
}

function apartText(ms: number): string {
  if (Math.abs(ms) < TOGETHER_MS) return 'at the same time';
  return ms > 0 ? `${lengthText(ms)} later` : `${lengthText(-ms)} before that was seen`;
}

function movesText(changes: readonly ExplainedChange[]): string {
  return changes
    .map(({ change }) => {
      const moves = movesOf(change);
      const names = (hasLeft: boolean) => listText(moves.filter((move) => move.hasLeft === hasLeft).map(({ node }) => node));
      const acts = [...(names(true) ? [`${names(true)} left`] : []), ...(names(false) ? [`${names(false)} joined`] : [])];
      return `${listText(acts)} the next-hop set of ${change.vip}`;
    })
    .join('; ');
}

function heldVips(facts: RunFacts): ReadonlySet<string> {
  return new Set([...(facts.scenario.flows ?? []).map(({ vip }) => vip), ...facts.flows.map(({ opened }) => opened.vip)]);
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
