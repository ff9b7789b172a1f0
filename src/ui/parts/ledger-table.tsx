// What became of the flows of a window: a row a vantage, protocol and VIP; each share with its count and interval.
import type { Ledger, Outcome } from '../../core/report-format.ts';
import { formatCount, formatInterval, formatShare, OUTCOMES_TO_READ } from '../../report/format.ts';
import { RangeBar } from './marks.tsx';
import { Table } from './table.tsx';

const HARM: ReadonlySet<Outcome> = new Set(['moved-broken', 'broken-in-place']);

export function LedgerTable({ ledgers, title }: { ledgers: readonly Ledger[]; title: string }) {
  return (
    <Table
      caption={`Outcomes of the flows. ${title}`}
      className="ledger"
      columns={[
        { title: 'flows of' },
        { title: 'judged', align: 'right' },
        ...OUTCOMES_TO_READ.map((outcome) => ({ title: outcome, align: 'right' as const })),
        { title: 'broken by' },
      ]}
      rows={ledgers.map((ledger) => ({
        key: JSON.stringify([ledger.vantage, ledger.protocol, ledger.vip, ledger.router]),
        cells: [
          <>
            <strong>
              {ledger.vantage} {ledger.protocol}
            </strong>
            <span class="under">
              {ledger.vip} via {ledger.router ?? 'unknown router'}
            </span>
          </>,
          <>
            n = {formatCount(ledger.population)}
            {ledger.excluded > 0 && <span class="under">+ {formatCount(ledger.excluded)} excluded</span>}
            {ledger.openedAndBroken > 0 && <span class="under">+ {formatCount(ledger.openedAndBroken)} opened here and broken</span>}
          </>,
          ...OUTCOMES_TO_READ.map((outcome) => <OutcomeShare ledger={ledger} outcome={outcome} />),
          Object.entries(ledger.brokenByCause)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([cause, flows]) => `${formatCount(flows)} ${cause}`)
            .join(', ') || 'none',
        ],
      }))}
    />
  );
}

function OutcomeShare({ ledger, outcome }: { ledger: Ledger; outcome: Outcome }) {
  const share = ledger.outcomes[outcome];
  if (share.n === 0) return <>unknown</>;
  return (
    <span class={share.count === 0 ? 'share zero' : 'share'}>
      <span>
        <b>{formatCount(share.count)}</b>
        {share.count > 0 && ` ${formatShare(share)}`}
      </span>
      <RangeBar share={{ ...share, value: share.count / share.n }} isHarm={HARM.has(outcome) && share.count > 0} />
      <span class="under">{formatInterval(share)}</span>
    </span>
  );
}
