// One run: what it found, how that compares, and its files.
import type { RunResource } from '../../core/api.ts';
import { formatMs } from '../../report/format.ts';
import { useAct, useMayOperate } from '../session.ts';
import { ActButton } from './act-button.tsx';
import { Nothing } from './marks.tsx';
import { Moment } from './moment.tsx';
import { RunState } from './run-state.tsx';

const FILES = [
  { file: 'report.html', says: 'the whole report' },
  { file: 'report.json', says: 'for programs' },
  { file: 'junit.xml', says: 'for pipelines' },
  { file: 'flows.ndjson', says: 'every flow' },
] as const;

export function RunDetail({ run }: { run: RunResource }) {
  const { id, scenario, environment, state, summary, comparison, annotations, startedMs, endedMs } = run;
  const isOver = state !== 'running' && state !== 'queued';
  return (
    <article aria-labelledby="run-summary">
      <p class="title">
        <RunState run={run} /> {scenario} on {environment}
      </p>
      <h2 id="run-summary" class="sentence">
        {summary ?? (isOver ? 'Its report says nothing.' : state === 'queued' ? 'It waits for its environment.' : 'It is under way.')}
      </h2>
      {!isOver && <Cancel run={run} />}
      <Files run={run} />
      <h3>Against earlier runs of the same</h3>
      {comparison === null || comparison.length === 0 ? (
        <Nothing>{comparison === null ? 'There is none to compare it with.' : 'No figure to compare.'}</Nothing>
      ) : (
        <ul class="remarks">
          {comparison.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {annotations.length > 0 && (
        <>
          <h3>Meanwhile</h3>
          <ul class="remarks">
            {annotations.map(({ atMs, text }) => (
              <li key={`${String(atMs)} ${text}`}>
                {text}{' '}
                <span class="muted">
                  <Moment ms={atMs} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <dl class="facts">
        <dt>state</dt>
        <dd>{state}</dd>
        <dt>started by</dt>
        <dd>{run.trigger}</dd>
        <dt>due</dt>
        <dd>
          <Moment ms={run.dueMs} />
        </dd>
        <dt>started</dt>
        <dd>{startedMs === null ? 'never' : <Moment ms={startedMs} />}</dd>
        <dt>ended</dt>
        <dd>{endedMs === null ? isOver ? 'unknown' : 'not yet' : <Moment ms={endedMs} />}</dd>
        {startedMs !== null && endedMs !== null && (
          <>
            <dt>took</dt>
            <dd>{formatMs(endedMs - startedMs)}</dd>
          </>
        )}
        <dt>seed</dt>
        <dd>{String(run.seed)}</dd>
        <dt>id</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
    </article>
  );
}

function Files({ run: { id, startedMs, endedMs } }: { run: RunResource }) {
  if (startedMs === null) return null;
  const base = `/api/v1/runs/${encodeURIComponent(id)}`;
  return (
    <ul class="files" aria-label="Files of the run">
      {endedMs !== null &&
        FILES.map(({ file, says }) => (
          <li key={file}>
            <a href={`${base}/${file}`}>{file}</a> <span class="muted">{says}</span>
          </li>
        ))}
      <li>
        <a href={`${base}/journal.ndjson`}>journal.ndjson</a> <span class="muted">all that was recorded</span>
      </li>
    </ul>
  );
}

function Cancel({ run: { id, scenario, state, isCancelRequested } }: { run: RunResource }) {
  const act = useAct();
  if (!useMayOperate()) return null;
  if (isCancelRequested) return <p class="muted">It was asked to end: it reverts its faults, then reports.</p>;
  return (
    <p>
      <ActButton
        act={() => act('POST', `/runs/${encodeURIComponent(id)}/cancel`)}
        done="cancelling"
        label={`Cancel ${scenario}`}
        confirm={{
          question: state === 'queued' ? 'Take it back before it starts?' : 'Revert its faults now, then report?',
          yes: 'Yes, cancel the run',
        }}
      >
        Cancel the run
      </ActButton>
    </p>
  );
}
