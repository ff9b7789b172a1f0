// A cluster that intends paths, a router and vantages that tell what became of them, and what a watch finds in it.
import { aJournal, type JournalDraft, type JournalOptions } from '../../support/a-journal.ts';
import type { Finding } from '../../../src/core/finding.ts';
import { contextOf, Player, ticking } from './a-watch.ts';

export const ALL = ['n1', 'n2', 'n3'];
export const OTHERS = ['n1', 'n3'];
export const END_S = 100;

/** A cluster that intends all nodes, a router that has them, and vantages whose heartbeats are answered. */
export function aCluster(options: JournalOptions = {}, { untilS = END_S } = {}): JournalDraft {
  const journal = intends(aJournal(options), 100, ALL).set(100, ALL);
  for (const vantage of options.vantages ?? ['v1']) ticking(journal, { vantage, untilBin: untilS, paths: ['unknown'] });
  return journal;
}

/** What the cluster intends from `t` on. */
export function intends(journal: JournalDraft, t: number, advertisers: readonly string[]): JournalDraft {
  const nodes = ALL.map((node) => {
    const advertises = advertisers.includes(node);
    return { node, advertises, reason: advertises ? null : 'noLocalEndpoints' };
  });
  return journal.cluster(t, 'cluster.intent', { vip: 'web', nodes });
}

/** A set that changed, and stays so. */
export function changes(journal: JournalDraft, t: number, nodes: readonly string[]): JournalDraft {
  return journal.set(t, nodes).set(t + 2_000, nodes, { settled: true });
}

/** Fresh dials of each second, eight in all: shared among these paths. */
export function dials(journal: JournalDraft, paths: readonly string[], { fromS = 1, untilS = END_S, vantage = 'v1' } = {}): JournalDraft {
  for (let bin = fromS; bin < untilS; bin += 1) {
    for (const [index, path] of paths.entries()) {
      journal.tally(bin, { vantage, path, ok: Math.floor((8 + index) / paths.length), fresh: true });
    }
  }
  return journal;
}

/** `lagMs`: how late the agent delivers. */
export type Played = { untilT?: number; restartsT?: readonly number[]; stepMs?: number; lagMs?: number };
export function play(journal: JournalDraft, { untilT = END_S * 1_000, restartsT = [], stepMs = 1_000, lagMs = 0 }: Played = {}): Player {
  const player = new Player(contextOf(journal.events));
  const arrives = ({ t, from }: { t: number; from: string }) => (from === 'prober:v1' ? t + lagMs : t);
  for (const t of restartsT) player.play(journal.sorted(), { untilT: t, stepMs, arrives }).restart();
  return player.play(journal.sorted(), { untilT, stepMs, arrives });
}

export const found = (player: Player): Finding[] => player.of('path-not-as-intended');
export const told = (player: Player) =>
  player.told.filter(({ finding }) => finding.kind === 'path-not-as-intended').map(({ atT, finding }) => [atT, finding.state]);
export const ms = (t: number) => 1_700_000_000_000 + t;
