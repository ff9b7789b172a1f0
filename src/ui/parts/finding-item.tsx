// One finding in a list: its sentence, how grave it is, and whether it is over.
import type { Finding, FindingKind } from '../../core/finding.ts';
import { routeHash } from '../route.ts';
import { SEVERITY_TONES, StateMark } from './marks.tsx';
import { Ago } from './moment.tsx';

export const KIND_WORDS: Readonly<Record<FindingKind, string>> = {
  'next-hops-changed': 'next hops changed',
  'break-burst': 'burst of breaks',
  'source-ip-lost': 'source IP lost',
  'path-dead': 'path dead',
  'vip-down': 'VIP down',
  'path-not-as-intended': 'path not as intended',
  'bgp-session-down': 'BGP session down',
  'agent-ill': 'prober ill',
  'agent-silent': 'agent silent',
};

type FindingItemProps = {
  finding: Finding;
  isCurrent?: boolean;
  /** Its sentence stands above it already. */
  isSaid?: boolean;
};

export function FindingItem({ finding, isCurrent = false, isSaid = false }: FindingItemProps) {
  const { id, sentence, severity, state, kind, monitor, openedMs, resolvedMs, isProvisional } = finding;
  return (
    <li>
      <a class="item" href={routeHash({ view: 'findings', id })} aria-current={isCurrent ? 'true' : undefined}>
        <span class="item-head">
          {state === 'open' ? <StateMark tone={SEVERITY_TONES[severity]}>open</StateMark> : <StateMark tone="good">resolved</StateMark>}
          <span class="muted">
            {isProvisional && 'provisional · '}
            {KIND_WORDS[kind]} · {monitor} ·{' '}
            {resolvedMs === null ? (
              <Ago ms={openedMs} />
            ) : (
              <>
                over <Ago ms={resolvedMs} />
              </>
            )}
          </span>
        </span>
        <span class="item-sentence">{isSaid ? 'See its evidence' : sentence}</span>
      </a>
    </li>
  );
}
