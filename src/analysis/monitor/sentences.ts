// Findings in the words of a person who was woken by them: what happened, whom it hurt, why, and whether it is over.
import type { PathFinding } from '../path-verdicts.ts';
import { countText, flowsText, lengthText, listText } from '../wording.ts';
import type { Draft, Story } from './draft.ts';
import { brokenIn, type WindowResult } from './watch-window.ts';

export type Telling = {
  draft: Draft;
  /** Windows that were judged: of the happening, and of the return. */
  results: { change: WindowResult[]; back: WindowResult[] };
  related: Related;
  /** Protocols that flows of the VIP are held with. */
  held: readonly string[];
};

/** What happened along with it. */
export type Related = {
  /** Of nodes that left a set: their BGP sessions that went down then, and why. */
  sessions: { node: string; reason: string }[];
  /** Of a session that went down: the VIPs whose sets its node left. */
  vips: string[];
};

export function sentenceOf({ draft, results, related, held }: Telling): string {
  const { story, subject, vip, resolvedT, openedT } = draft;
  const lasted = resolvedT === null ? null : lengthText(resolvedT - openedT);
  const seen = listText(draft.seenBy.map(({ vantage }) => vantage));
  const hurt = figuresText(results.change);
  switch (story.kind) {
    case 'next-hops-changed':
      return `${changeText(story, vip ?? '', related.sessions)}: ${[hurt, ...afterText(draft, story, results.back)].join('; ')}.`;
    case 'break-burst':
      return `${upperFirst(hurt)}, while the next-hop set of ${vip ?? ''} stayed${story.explainedBy === null ? '' : ` (explained by ${story.explainedBy})`}.`;
    case 'path-dead': {
      const end = story.end === null ? 'others answer' : ENDS[story.end];
      const only = onlyText(story.protocols, held);
      return `The ${only}path of ${vip ?? ''} by ${subject} ${lasted === null ? 'is dead' : `was dead for ${lasted}`}, seen from ${seen}: ${hurt}; ${end}.`;
    }
    case 'vip-down': {
      const only = onlyText(story.protocols, held);
      return lasted === null
        ? `${subject} does not answer on any ${only}path, seen from ${seen}: ${hurt}.`
        : `${subject} did not answer on any ${only}path for ${lasted}, seen from ${seen}: ${hurt}; ${ENDS[story.end ?? 'answers']}.`;
    }
    case 'source-ip-lost': {
      const writer = story.rewrittenBy.length > 0 ? `an address of ${listText(story.rewrittenBy)}` : 'an address that is not theirs';
      return lasted === null
        ? `The client address does not survive on the way to ${vip ?? ''} by ${subject}: ${flowsText(story.flows)} from ${seen} ${story.flows === 1 ? 'is' : 'are'} seen with ${writer}.`
        : `The client address did not survive on the way to ${vip ?? ''} by ${subject} for ${lasted}, seen from ${seen} with ${writer}; ${story.isUnseen ? ENDS.unseen : 'it does again'}.`;
    }
    case 'path-not-as-intended': {
      const { kind = 'missing', claim = '' } = story.told[0] ?? {};
      if (lasted === null) return `${claim} (a ${kind} path).`;
      const was = kind === 'missing' ? kind : `a ${kind}`;
      const signers = listText([...new Set(story.signs.map(({ sign }) => signerOf(sign)))]);
      const end = story.signs.some(({ end }) => end?.isSeen) ? 'intent and wire agree again' : ENDS.unseen;
      return `The path of ${vip ?? ''} by ${subject} was ${was} for ${lasted}, as ${signers} showed; ${end}.`;
    }
    case 'bgp-session-down': {
      const why = story.reason === '' ? '' : `: ${story.reason}`;
      return lasted === null
        ? `The BGP session of ${story.router} with ${subject} is down (${story.state}${why}).`
        : `The BGP session of ${story.router} with ${subject} was down for ${lasted}${why === '' ? '' : ` (${story.reason})`}; it is Established again.`;
    }
    case 'agent-ill':
      return lasted === null
        ? `The prober at ${subject} is ill (${story.why}): what it sees meanwhile does not count, and no VIP is blamed for it.`
        : `The prober at ${subject} was ill for ${lasted} (${story.why}); ${story.isUnseen ? 'nothing is heard from there any more' : 'it is well again'}.`;
    case 'agent-silent':
      return lasted === null
        ? `Nothing is heard from the agent at ${subject}: what happens there is not known for now.`
        : `Nothing was heard from the agent at ${subject} for ${lasted}; it is back.`;
  }
}

const ENDS = {
  answers: 'it answers again',
  left: 'then it left the next-hop set',
  down: 'then no path answered',
  unseen: 'nobody who saw it is heard of any more',
} as const;

/** Who shows it: a router, or a vantage's flows. */
export function signerOf(sign: PathFinding): string {
  return sign.by === 'router' ? sign.router : `flows from ${sign.vantage}`;
}

/** `TCP `, where not all protocols that are held are hit. */
function onlyText(protocols: readonly string[], held: readonly string[]): string {
  const isAll = protocols.length === 0 || held.every((protocol) => protocols.includes(protocol));
  return isAll ? '' : `${listText(protocols.map((protocol) => protocol.toUpperCase()))} `;
}

/** `86 of 256 TCP flows broke, all of them on n2 (86 reset)`. */
export function figuresText(results: readonly WindowResult[]): string {
  if (results.length === 0) return 'its figures came too late to be counted';
  const protocols = sums(results.flatMap((result) => result.protocols.map((each) => ({ key: each.protocol, by: each.broken }))));
  const population = Map.groupBy(results[0]?.protocols ?? [], (each) => each.protocol);
  const of = (protocol: string) => countText((population.get(protocol) ?? []).reduce((sum, each) => sum + each.population, 0));
  const hurt = [...protocols].filter(([, broken]) => broken > 0);
  if (hurt.length === 0) {
    const all = [...protocols.keys()].filter((protocol) => of(protocol) !== '0');
    const broke = hasSilent(results) ? 'is known to have broken' : 'broke';
    return all.length === 0
      ? 'whom it hurt is not known'
      : `none of ${listText(all.map((protocol) => `${of(protocol)} ${protocol.toUpperCase()}`))} flows ${broke}`;
  }
  const broke = listText(hurt.map(([protocol, broken]) => `${countText(broken)} of ${of(protocol)} ${protocol.toUpperCase()}`));
  return `${broke} flows broke${placesText(results)} (${causesText(results)})${becauseText(results)}`;
}

/** `, by the drain of n3`: named with their flows where there are several. */
function becauseText(results: readonly WindowResult[]): string {
  const because = [...sums(results.flatMap((result) => result.because.map(({ what, flows }) => ({ key: what, by: flows }))))];
  const isOne = because.length === 1 && because[0]?.[0] !== 'unexplained';
  if (isOne) return `, cause: ${because[0]?.[0] ?? ''}`;
  return because.length === 0 ? '' : `, causes: ${because.map(([what, flows]) => `${what} (${countText(flows)})`).join('; ')}`;
}

export function causesText(results: readonly WindowResult[]): string {
  const causes = sums(results.flatMap((result) => result.causes.map(({ cause, flows }) => ({ key: cause, by: flows }))));
  return [...causes].map(([cause, flows]) => `${countText(flows)} ${cause}`).join(', ');
}

function placesText(results: readonly WindowResult[]): string {
  const places = [...sums(results.flatMap((result) => result.broken.map(({ ingress, flows }) => ({ key: ingress, by: flows }))))];
  const name = (ingress: string | null) => ingress ?? 'nobody knows which node';
  const [first, ...rest] = places;
  if (first === undefined) return '';
  if (rest.length === 0) return `, all of them on ${name(first[0])}`;
  return `, ${listText(places.map(([ingress, flows]) => `${countText(flows)} on ${name(ingress)}`))}`;
}

/** Flows that perhaps broke, and are not called broken. */
function hasSilent(results: readonly WindowResult[]): boolean {
  return results.some(({ silentInDoubt }) => silentInDoubt > 0);
}

type Changed = Extract<Story, { kind: 'next-hops-changed' }>;

function changeText({ left, joined, now, from }: Changed, vip: string, sessions: Related['sessions']): string {
  const flapped = left.filter((node) => joined.includes(node) && now?.includes(node) !== false);
  const gone = left.filter((node) => !flapped.includes(node));
  const added = joined.filter((node) => !left.includes(node));
  const acts = [
    ...(gone.length > 0 ? [`${listText(gone)} left`] : []),
    ...(flapped.length > 0 ? [`${listText(flapped)} left and came back to`] : []),
    ...(added.length > 0 ? [`${listText(added)} joined`] : []),
  ];
  const whose = sessions.length === 1 && left.length === 1 ? 'its' : null;
  const causes = sessions.map(({ node, reason }) => `${whose ?? `${node}’s`} BGP session went down${reason === '' ? '' : `: ${reason}`}`);
  const told = from === 'flows' ? ', as its flows show' : '';
  return `${acts.join(' and ')} the next-hop set of ${vip}${told}${causes.length > 0 ? ` (${causes.join('; ')})` : ''}`;
}

/** How things stand now, and what the return did. */
function afterText(draft: Draft, story: Changed, back: readonly WindowResult[]): string[] {
  const away = story.left.filter((node) => story.now?.includes(node) === false);
  const returned = story.left.filter((node) => !away.includes(node));
  if (story.isAccepted) return ['it has stayed so since, and counts as the set from now on'];
  const texts: string[] = [];
  const staying = story.before.filter((node) => story.now?.includes(node));
  if (away.length > 0) texts.push(`${String(staying.length)} of ${String(story.before.length)} paths left`);
  if (story.left.length === 0 && story.now) texts.push(`${String(story.now.length)} paths now`);
  if (back.length === 0 || returned.length === 0) return texts;
  const who = story.left.length === 1 ? '' : `${listText(returned)} `;
  if (away.length === 0 && story.backT !== null) texts.push(`${who}back after ${lengthText(story.backT - story.changeT)}`);
  else texts.push(`${listText(returned)} came back`);
  const broken = back.reduce((sum, result) => sum + brokenIn(result), 0);
  const whose = story.left.length === 1 ? 'its' : 'their';
  const none = hasSilent(back) ? 'is not known to have broken any' : 'broke none';
  texts.push(broken === 0 ? `${whose} return ${none}` : `${whose} return broke ${figuresText(back).replace(' flows broke', ' flows')}`);
  return texts;
}

function sums<Key>(parts: readonly { key: Key; by: number }[]): Map<Key, number> {
  const all = new Map<Key, number>();
  for (const { key, by } of parts) all.set(key, (all.get(key) ?? 0) + by);
  return all;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
