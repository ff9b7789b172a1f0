// What runs by itself and who is told: schedules, periods, destinations, and every notification on its way.
import type { ScheduleResource } from '../../core/api.ts';
import { ActButton } from '../parts/act-button.tsx';
import { Deliveries } from '../parts/deliveries.tsx';
import { Destinations } from '../parts/destinations.tsx';
import { Nothing, StateMark } from '../parts/marks.tsx';
import { Ago, Moment } from '../parts/moment.tsx';
import { Periods } from '../parts/periods.tsx';
import { RunState } from '../parts/run-state.tsx';
import { More, Shown } from '../parts/shown.tsx';
import { Table } from '../parts/table.tsx';
import { routeHash } from '../route.ts';
import { useAct, useMayOperate } from '../session.ts';
import { useList } from '../use-resource.ts';

export function SchedulesView() {
  const schedules = useList<ScheduleResource>('/schedules', ['schedule', 'run']);
  return (
    <>
      <h1 class="view-title">Schedules and deliveries</h1>
      <section aria-labelledby="schedules">
        <h2 id="schedules">Schedules</h2>
        <Shown resource={schedules} what="Schedules">
          {(items) =>
            items.length === 0 ? <Nothing>There is no schedule: nothing runs by itself.</Nothing> : <Schedules schedules={items} />
          }
        </Shown>
        <More more={schedules.more} />
      </section>
      <Periods />
      <Destinations />
      <Deliveries />
    </>
  );
}

function Schedules({ schedules }: { schedules: readonly ScheduleResource[] }) {
  return (
    <Table
      caption="Schedules"
      columns={[{ title: 'schedule' }, { title: 'when' }, { title: 'next' }, { title: 'last tick' }, { title: 'last run' }, { title: '' }]}
      rows={schedules.map(({ spec, nextTickMs, lastTickMs, lastRun }) => ({
        key: spec.name,
        cells: [
          <>
            <strong>{spec.name}</strong>
            <span class="under">
              {spec.scenario} on {spec.environment}
            </span>
          </>,
          <When spec={spec} />,
          spec.paused ? <StateMark tone="care">paused</StateMark> : nextTickMs === null ? 'never' : <Moment ms={nextTickMs} />,
          <Ago ms={lastTickMs} />,
          lastRun === null ? (
            <span class="muted">none yet</span>
          ) : (
            <>
              <RunState run={lastRun} /> <a href={routeHash({ view: 'runs', id: lastRun.id })}>look</a>
              {lastRun.summary !== null && <span class="under">{lastRun.summary}</span>}
            </>
          ),
          <PauseButton spec={spec} />,
        ],
      }))}
    />
  );
}

type Spec = ScheduleResource['spec'];

function When({ spec: { cron, every, timeZone } }: { spec: Spec }) {
  if (cron === undefined) return <>every {every === undefined ? 'unknown' : everyText(every)}</>;
  return (
    <>
      <code>{cron}</code>
      <span class="under">{timeZone}</span>
    </>
  );
}

/** In the largest unit that keeps it whole. */
function everyText(ms: number): string {
  for (const [unit, length] of [['h', 3_600_000] as const, ['min', 60_000] as const]) {
    if (ms % length === 0) return `${String(ms / length)} ${unit}`;
  }
  return `${String(ms / 1_000)} s`;
}

function PauseButton({ spec }: { spec: Spec }) {
  const act = useAct();
  if (!useMayOperate()) return null;
  const { name, paused, every, jitter } = spec;
  // A spec is written with its durations as text and read with them in ms.
  const durations = { jitter: `${String(jitter)}ms`, ...(every === undefined ? {} : { every: `${String(every)}ms` }) };
  return (
    <ActButton
      key={String(paused)}
      act={() => act('PUT', `/schedules/${encodeURIComponent(name)}`, { ...spec, ...durations, paused: !paused })}
      done={paused ? 'resumed' : 'paused'}
      label={`${paused ? 'Resume' : 'Pause'} ${name}`}
    >
      {paused ? 'Resume' : 'Pause'}
    </ActButton>
  );
}
