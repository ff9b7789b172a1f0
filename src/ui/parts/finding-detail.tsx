// One finding with its evidence.
import type { Finding } from '../../core/finding.ts';
import type { WindowReport } from '../../core/report-format.ts';
import { formatCount, formatCounted, formatMs } from '../../report/format.ts';
import { isQuiet } from '../../report/quiet-ledgers.ts';
import { describeSets, describeSource, routerText } from '../../report/set-change.ts';
import { KIND_WORDS } from './finding-item.tsx';
import { LedgerTable } from './ledger-table.tsx';
import { Nothing, PathChip, SEVERITY_TONES, StateMark } from './marks.tsx';
import { Moment } from './moment.tsx';

export function FindingDetail({ finding }: { finding: Finding }) {
  const { sentence, state, severity, isProvisional, details, windows, brokenByCause } = finding;
  const broken = Object.entries(brokenByCause).filter(([, flows]) => flows > 0);
  return (
    <article aria-labelledby="finding-sentence">
      <p class="title">
        {state === 'open' ? <StateMark tone={SEVERITY_TONES[severity]}>open</StateMark> : <StateMark tone="good">resolved</StateMark>}{' '}
        {KIND_WORDS[finding.kind]} · {severity}
        {isProvisional && <span class="tag">provisional: its figures still grow</span>}
      </p>
      <h2 id="finding-sentence" class="sentence">
        {sentence}
      </h2>
      {details.length > 0 && (
        <ul class="remarks">
          {details.map((detail) => (
            <li key={detail}>{detail}</li>
          ))}
        </ul>
      )}
      <dl class="facts">
        <dt>opened</dt>
        <dd>
          <Moment ms={finding.openedMs} />
        </dd>
        <dt>resolved</dt>
        <dd>{finding.resolvedMs === null ? 'not yet' : <Moment ms={finding.resolvedMs} />}</dd>
        <dt>about</dt>
        <dd>
          {finding.subject}
          {finding.vip !== null && finding.vip !== finding.subject && ` of ${finding.vip}`}
        </dd>
        <dt>monitor</dt>
        <dd>
          {finding.monitor} on {finding.environment}
        </dd>
        <dt>seen from</dt>
        <dd>{finding.vantages.join(', ') || 'no vantage: the control plane told'}</dd>
        <dt>flows broken</dt>
        <dd>{broken.length === 0 ? 'none' : broken.map(([cause, flows]) => `${formatCount(flows)} ${cause}`).join(', ')}</dd>
        <dt>id</dt>
        <dd>
          <code>{finding.id}</code>
        </dd>
      </dl>
      {windows.length === 0 && <Nothing>No window was judged.</Nothing>}
      {windows.map((window, index) => (
        <Window key={index} window={window} index={index} firstT={windows[0]?.fromT ?? 0} />
      ))}
    </article>
  );
}

function Window({ window, index, firstT }: { window: WindowReport; index: number; firstT: number }) {
  const length = formatMs(window.untilT - window.fromT);
  const title = `Window ${String(index + 1)}: ${window.eventCause}, ${length} long`;
  const flows = window.ledgers.reduce((sum, { population }) => sum + population, 0);
  return (
    <section class="window" aria-label={title}>
      <h3>
        {title}
        {index > 0 && <span class="muted"> · began {formatMs(window.fromT - firstT)} after the first</span>}
      </h3>
      <p>{window.description}</p>
      <ul class="plain">
        {window.nextHops.map((set) => (
          <li key={`${set.router} ${set.vip} ${set.vantage ?? ''}`}>
            Next hops of {routerText(set.router)} for {set.vip}:{' '}
            {describeSets(set).map((word, place) => (
              <span key={place}>
                {'text' in word
                  ? `${word.text} `
                  : word.names.map((node) => (
                      <span key={node}>
                        <PathChip path={node} />{' '}
                      </span>
                    ))}
              </span>
            ))}
            <span class="muted">{describeSource(set)}</span>
          </li>
        ))}
      </ul>
      {window.ledgers.length === 0 ? (
        <Nothing>No flow was judged in this window.</Nothing>
      ) : isQuiet(window.ledgers) ? (
        <details>
          <summary>All {formatCounted(flows, 'flow')} unmoved, none broken</summary>
          <LedgerTable ledgers={window.ledgers} title={title} />
        </details>
      ) : (
        <LedgerTable ledgers={window.ledgers} title={title} />
      )}
    </section>
  );
}
