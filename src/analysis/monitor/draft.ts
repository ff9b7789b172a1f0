// A finding in the making: what the watch knows of one happening, before it is put into words.
import type { FindingKind } from '../../core/finding.ts';
import type { Difference } from '../intent-wire-words.ts';
import type { PathFinding } from '../path-verdicts.ts';
import type { WatchContext } from './context.ts';

/** What was seen, by kind; plain data, so that a snapshot holds it as it is. */
export type Story =
  | {
      kind: 'next-hops-changed';
      left: string[];
      joined: string[];
      /** The set before, and now; null while that is not known. */
      before: string[];
      now: string[] | null;
      /** Instant of the change; of the return, once it is back. */
      changeT: number;
      backT: number | null;
      isAccepted: boolean;
      from: 'observer' | 'flows';
      /** Routers whose observers told it, or vantages whose flows showed it. */
      sources: string[];
    }
  | { kind: 'break-burst'; explainedBy: string | null }
  /** `unseen`, `isUnseen`: no vantage that saw it is heard of any more. `protocols`: with which it was seen. */
  | { kind: 'path-dead'; end: 'answers' | 'left' | 'down' | 'unseen' | null; protocols: string[] }
  | { kind: 'vip-down'; end: 'answers' | 'left' | 'down' | 'unseen' | null; protocols: string[] }
  | { kind: 'source-ip-lost'; flows: number; rewrittenBy: string[]; isUnseen: boolean }
  /** `signs`: each layer that showed it; `told`: how they were told when the newest of them came. */
  | { kind: 'path-not-as-intended'; isIntended: boolean; signs: Shown[]; told: readonly Difference[] }
  | { kind: 'bgp-session-down'; router: string; state: string; reason: string }
  | { kind: 'agent-ill'; why: string; isUnseen: boolean }
  | { kind: 'agent-silent' };

/**
 * What one layer showed: `sign` as it first did, `lastT` when it was last looked at and still so; `missed`: flows that its vantage opened
 * since, as looks saw them. `end`: since when it is no more; not `isSeen`, nobody tells that, for its vantage is not heard of any more.
 */
export type Shown = { sign: PathFinding; lastT: number; missed: number; end: { t: number; isSeen: boolean } | null };

/** A window of a finding, and whether it is that of the hop's return. */
export type WindowRole = { key: string; isReturn: boolean };

export type Draft = {
  id: string;
  vip: string | null;
  subject: string;
  openedT: number;
  resolvedT: number | null;
  /** Vantages that saw it, and until when. */
  seenBy: { vantage: string; untilT: number | null }[];
  windows: WindowRole[];
  story: Story;
  /** As it was last told; null: never. */
  told: string | null;
};

/** Names a happening: the same events give the same id, whenever they are read. `edgeT`: the instant that it began, as first seen. */
export function findingId(context: WatchContext, about: { kind: FindingKind; vip: string | null; subject: string; edgeT: number }): string {
  const { kind, vip, subject, edgeT } = about;
  // Names come from outside; an id stands in addresses and file names.
  const words = [context.session, kind, ...(vip === null ? [] : [vip]), ...(subject === vip ? [] : [subject])];
  return [...words.map((word) => word.replace(/[^\w.-]+/g, '-')), String(Math.round(edgeT))].join('.');
}
