// Runs, newest first, beside the one that is looked at or about to be started.
import { useState } from 'preact/hooks';
import type { RunResource } from '../../core/api.ts';
import { formatCounted } from '../../report/format.ts';
import { Nothing } from '../parts/marks.tsx';
import { Ago } from '../parts/moment.tsx';
import { RunDetail } from '../parts/run-detail.tsx';
import { RunState } from '../parts/run-state.tsx';
import { More, Shown } from '../parts/shown.tsx';
import { StartRun } from '../parts/start-run.tsx';
import { routeHash, type Route } from '../route.ts';
import { useLive, useMayOperate } from '../session.ts';
import { useList, useResource } from '../use-resource.ts';

/** In place of an id: no run is called so, ids have a date or a dot. */
const NEW = 'new';

export function RunsView({ route }: { route: Route }) {
  const { overview } = useLive();
  const mayOperate = useMayOperate();
  const [search, setSearch] = useState('');
  const listed = useList<RunResource>('/runs', ['run']);
  // Running ones are fresher in the overview.
  const all = new Map([...(listed.value ?? []), ...(overview?.running ?? [])].map((run) => [run.id, run]));
  const found = [...all.values()].filter((run) => says(run, search)).sort(liveFirst);
  const isNew = route.id === NEW;
  return (
    <>
      <div class="view-head">
        <h1 class="view-title">Runs</h1>
        {mayOperate && !isNew && (
          <a class="button" href={routeHash({ view: 'runs', id: NEW })}>
            Start a run …
          </a>
        )}
      </div>
      <div class={route.id === null ? 'two' : 'two has-one'}>
        <div class="list">
          <div class="filters" role="search">
            <label class="search">
              search
              <input
                type="search"
                value={search}
                data-search
                aria-keyshortcuts="/"
                placeholder="scenario, verdict, trigger …"
                autocomplete="off"
                onInput={(event) => {
                  setSearch(event.currentTarget.value);
                }}
              />
            </label>
          </div>
          <Shown resource={listed} what="Runs">
            {() => (
              <>
                <p class="muted" aria-live="polite">
                  {formatCounted(found.length, 'run')}
                  {listed.more === null ? '' : ', and older ones not fetched yet'}
                </p>
                {found.length === 0 && <Nothing>{all.size === 0 ? 'There was no run yet.' : 'No run says that.'}</Nothing>}
                <ul class="items" data-items>
                  {found.map((run) => (
                    <RunItem key={run.id} run={run} isCurrent={run.id === route.id} />
                  ))}
                </ul>
                <More more={listed.more} />
              </>
            )}
          </Shown>
        </div>
        <div class="one">
          {route.id === null ? (
            <p class="nothing">Choose a run to see what it found.</p>
          ) : isNew && mayOperate ? (
            <StartRun />
          ) : (
            <OneRun key={route.id} id={route.id} />
          )}
        </div>
      </div>
    </>
  );
}

function RunItem({ run, isCurrent }: { run: RunResource; isCurrent: boolean }) {
  const { id, scenario, environment, trigger, summary, endedMs, startedMs, dueMs } = run;
  return (
    <li>
      <a class="item" href={routeHash({ view: 'runs', id })} aria-current={isCurrent ? 'true' : undefined}>
        <span class="item-head">
          <RunState run={run} />
          <span class="muted">
            {trigger} · <Ago ms={endedMs ?? startedMs ?? dueMs} />
          </span>
        </span>
        <span class="item-name">
          {scenario} <span class="muted">on {environment}</span>
        </span>
        {summary !== null && <span class="item-sentence">{summary}</span>}
      </a>
    </li>
  );
}

function OneRun({ id }: { id: string }) {
  const run = useResource<RunResource>(`/runs/${encodeURIComponent(id)}`, ['run']);
  return (
    <>
      <p class="back">
        <a href={routeHash({ view: 'runs' })} data-back aria-keyshortcuts="Escape">
          ← all runs
        </a>
      </p>
      <Shown resource={run} what="This run">
        {(value) => <RunDetail run={value} />}
      </Shown>
    </>
  );
}

function says({ id, scenario, environment, trigger, state, verdict, summary }: RunResource, search: string): boolean {
  const text = [id, scenario, environment, trigger, state, verdict ?? '', summary ?? ''].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function liveFirst(a: RunResource, b: RunResource): number {
  const isOver = ({ state }: RunResource) => Number(state !== 'running' && state !== 'queued');
  return isOver(a) - isOver(b) || b.dueMs - a.dueMs;
}
