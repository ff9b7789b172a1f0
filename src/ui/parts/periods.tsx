// Maintenance and freeze periods: what is planned, and a form to plan one.
import { useState } from 'preact/hooks';
import type { EnvironmentResource, PeriodResource, Problem } from '../../core/api.ts';
import { formatWallClock } from '../../report/format.ts';
import { useAct, useMayOperate, useSession } from '../session.ts';
import { useList } from '../use-resource.ts';
import { ActButton } from './act-button.tsx';
import { Nothing, StateMark } from './marks.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { Select } from './select.tsx';
import { More, Shown } from './shown.tsx';
import { Table } from './table.tsx';

export function Periods() {
  const periods = useList<PeriodResource>('/periods', ['period']);
  const mayOperate = useMayOperate();
  return (
    <section aria-labelledby="periods">
      <h2 id="periods">Maintenance and freeze periods</h2>
      <p class="muted">
        In maintenance alerts about what is planned are annotated, all else is told as ever. In a freeze no run with faults starts.
      </p>
      <Shown resource={periods} what="Periods">
        {(items) => (items.length === 0 ? <Nothing>No period is planned.</Nothing> : <PeriodTable periods={items} />)}
      </Shown>
      <More more={periods.more} />
      {mayOperate && <PlanPeriod />}
    </section>
  );
}

function PeriodTable({ periods }: { periods: readonly PeriodResource[] }) {
  const act = useAct();
  const mayOperate = useMayOperate();
  return (
    <Table
      caption="Periods"
      columns={[{ title: 'period' }, { title: 'from' }, { title: 'until' }, { title: 'of' }, { title: 'note' }, { title: '' }]}
      rows={periods.map(({ spec, isNow, origin }) => ({
        key: spec.name,
        cells: [
          <>
            <strong>{spec.name}</strong>
            <span class="under">{isNow ? <StateMark tone="care">{spec.kind}, now</StateMark> : spec.kind}</span>
          </>,
          formatWallClock(Date.parse(spec.from)),
          formatWallClock(Date.parse(spec.until)),
          <>
            {spec.environments === 'all' ? 'all environments' : spec.environments.join(', ')}
            <span class="under">{spec.nodes.length === 0 ? 'whole' : `nodes ${spec.nodes.join(', ')}`}</span>
          </>,
          spec.note,
          mayOperate && origin === 'api' ? (
            <ActButton
              act={() => act('DELETE', `/periods/${encodeURIComponent(spec.name)}`)}
              done="ended"
              label={`Remove ${spec.name}`}
              confirm={{ question: 'Alert as ever from now on?', yes: 'Yes, remove' }}
            >
              Remove
            </ActButton>
          ) : (
            <span class="muted">{origin === 'file' ? 'from serve.yaml' : ''}</span>
          ),
        ],
      }))}
    />
  );
}

function PlanPeriod() {
  const { live } = useSession();
  const act = useAct();
  const environments = useList<EnvironmentResource>('/environments', []);
  const [kind, setKind] = useState<'maintenance' | 'freeze'>('maintenance');
  const [environment, setEnvironment] = useState('');
  const [minutes, setMinutes] = useState('60');
  const [nodes, setNodes] = useState('');
  const [note, setNote] = useState('');
  const [said, setSaid] = useState<string | Problem | null>(null);
  const plan = async () => {
    const fromMs = Math.floor(live.nowMs() / 1_000) * 1_000;
    const name = `${kind}-${String(fromMs / 1_000)}`;
    const answer = await act('PUT', `/periods/${name}`, {
      name,
      kind,
      from: new Date(fromMs).toISOString(),
      until: new Date(fromMs + Math.round(Number(minutes) * 60_000)).toISOString(),
      environments: environment === '' ? 'all' : [environment],
      nodes: nodes.split(/[\s,]+/).filter((node) => node !== ''),
      note,
    });
    setSaid(answer.isOk ? 'It has begun.' : answer.problem);
  };
  return (
    <details class="form">
      <summary>Begin a period now</summary>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void plan();
        }}
      >
        <label>
          kind
          <select
            value={kind}
            onChange={(event) => {
              setKind(event.currentTarget.value === 'freeze' ? 'freeze' : 'maintenance');
            }}
          >
            <option value="maintenance">maintenance</option>
            <option value="freeze">freeze</option>
          </select>
        </label>
        <label>
          minutes
          <input
            type="number"
            min="1"
            max="10080"
            required
            value={minutes}
            onInput={(event) => {
              setMinutes(event.currentTarget.value);
            }}
          />
        </label>
        <Select
          label="environment"
          value={environment}
          any="all"
          options={(environments.value ?? []).map(({ name }) => name)}
          onChange={(value) => {
            setEnvironment(value);
          }}
        />
        <label>
          nodes (none: all)
          <input
            value={nodes}
            placeholder="n1, n2"
            autocomplete="off"
            onInput={(event) => {
              setNodes(event.currentTarget.value);
            }}
          />
        </label>
        <label class="search">
          note
          <input
            value={note}
            placeholder="why, and who to ask"
            autocomplete="off"
            onInput={(event) => {
              setNote(event.currentTarget.value);
            }}
          />
        </label>
        <button type="submit">Begin now</button>
        <output class="said">{typeof said === 'string' ? said : ''}</output>
      </form>
      {said !== null && typeof said !== 'string' && <ProblemNotice problem={said} about="Not begun." />}
    </details>
  );
}
