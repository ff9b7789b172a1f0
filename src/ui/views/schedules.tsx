// What runs by itself and who is told: schedules, periods, destinations, and every notification on its way.
import type { ScheduleResource } from '../../core/api.ts';
import { formatMs } from '../../report/format.ts';
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
          <PauseButton name={spec.name} isPaused={spec.paused} />,
        ],
      }))}
    />
  );
}

function When({ spec }: { spec: ScheduleResource['spec'] }) {
  // A duration is text in a file and a number once read: either may stand here.
  const every: string | number | undefined = spec.every;
  return (
    <>
      {spec.cron === undefined ? `every ${typeof every === 'number' ? formatMs(every) : String(every)}` : <code>{spec.cron}</code>}
      {spec.cron !== undefined && <span class="under">{spec.timeZone}</span>}
    </>
  );
}

function PauseButton({ name, isPaused }: { name: string; isPaused: boolean }) {
  const act = useAct();
  if (!useMayOperate()) return null;
  const path = `/schedules/${encodeURIComponent(name)}/${isPaused ? 'resume' : 'pause'}`;
  return (
    <ActButton
      key={path}
      act={() => act('POST', path)}
      done={isPaused ? 'resumed' : 'paused'}
      label={`${isPaused ? 'Resume' : 'Pause'} ${name}`}
    >
      {isPaused ? 'Resume' : 'Pause'}
    </ActButton>
  );
}
