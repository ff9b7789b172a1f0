// Who may disturb what: each environment's keeper, what is in force there, and what to do about one that is away.
import type { KeeperResource } from '../../core/api.ts';
import { useResource } from '../use-resource.ts';
import { Nothing, StateMark, type Tone } from './marks.tsx';
import { Ago } from './moment.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { Table } from './table.tsx';

const FAULT_TONES: Readonly<Record<string, Tone>> = { lost: 'harm', unverified: 'harm' };

export function Keepers() {
  const { value, problem, isLoading } = useResource<{ items: KeeperResource[] }>('/keepers', ['keeper', 'run']);
  // What was heard before is not shown on: it would read as armed, free and now.
  const keepers = problem ? undefined : value?.items;
  return (
    <section aria-labelledby="keepers">
      <h2 id="keepers">Keepers</h2>
      {problem && <ProblemNotice problem={problem} about="What keepers say is not known." />}
      {isLoading && <Nothing>Keepers: asking the service …</Nothing>}
      {keepers?.length === 0 && <Nothing>No environment names a keeper: no run with faults can start.</Nothing>}
      {keepers && keepers.length > 0 && (
        <Table
          caption="Keepers"
          columns={[
            { title: 'environment' },
            { title: 'state' },
            { title: 'lease' },
            { title: 'in force' },
            { title: 'last heard', align: 'right' },
          ]}
          rows={keepers.map((keeper) => ({
            key: keeper.environment,
            cells: [
              <>
                <strong>{keeper.environment}</strong>
                <span class="under">{keeper.joined ? `keeper ${keeper.joined.name}, on another machine` : 'keeper on this machine'}</span>
              </>,
              <State keeper={keeper} />,
              keeper.holder !== null ? <code>{keeper.holder}</code> : keeper.isReachable ? 'free' : 'unknown',
              <InForce keeper={keeper} />,
              keeper.isReachable ? 'now' : keeper.joined ? <Ago ms={keeper.joined.lastSeenMs} /> : 'unknown',
            ],
          }))}
        />
      )}
    </section>
  );
}

function State({ keeper: { isReachable, isArmed, isHalted, error, remedy } }: { keeper: KeeperResource }) {
  if (!isReachable) {
    return (
      <>
        <StateMark tone="harm">away</StateMark>
        {error !== null && <span class="under">{error}</span>}
        {remedy !== null && <span class="under">What to do: {remedy}</span>}
      </>
    );
  }
  if (isHalted === true) {
    return (
      <>
        <StateMark tone="care">halted</StateMark>
        <span class="under">No fault is possible until holdfast halt --lift.</span>
      </>
    );
  }
  return <StateMark tone={isArmed === true ? 'good' : 'quiet'}>{isArmed === true ? 'armed' : 'disarmed'}</StateMark>;
}

/** What was verified as reverted, or whose target is gone, is over. */
function InForce({ keeper: { isReachable, faults } }: { keeper: KeeperResource }) {
  if (!isReachable) {
    return (
      <>
        unknown<span class="under">It reverts by itself what nobody renews.</span>
      </>
    );
  }
  const open = faults.filter(({ state }) => state !== 'verified' && state !== 'gone');
  if (open.length === 0) return <>none</>;
  return (
    <ul class="plain">
      {open.map(({ fault, kind, target, state, reason }) => (
        <li key={fault}>
          <StateMark tone={FAULT_TONES[state] ?? 'care'}>{state}</StateMark> {kind} at {target}
          {reason !== '' && <span class="under">{reason}</span>}
        </li>
      ))}
    </ul>
  );
}
