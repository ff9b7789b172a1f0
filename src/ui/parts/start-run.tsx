// Starts a run: first shows what it would do, then asks.
import { useState } from 'preact/hooks';
import type { EnvironmentResource, Problem, ScenarioResource } from '../../core/api.ts';
import { routeHash } from '../route.ts';
import { useAct } from '../session.ts';
import { useList } from '../use-resource.ts';
import { Nothing } from './marks.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { Select } from './select.tsx';

/** What was planned is what is started: the same seed; and pressing twice starts one run. */
type Wish = { scenario: string; environment: string; seed: number; idempotencyKey: string };
type Step =
  { at: 'choosing' } | { at: 'planning' } | { at: 'planned'; wish: Wish; text: string } | { at: 'starting'; wish: Wish; text: string };

export function StartRun() {
  const act = useAct();
  const scenarios = useList<ScenarioResource>('/scenarios', []);
  const environments = useList<EnvironmentResource>('/environments', []);
  const [scenario, setScenario] = useState('');
  const [chosen, setEnvironment] = useState('');
  const [step, setStep] = useState<Step>({ at: 'choosing' });
  const [problem, setProblem] = useState<Problem | null>(null);
  const only = environments.value?.length === 1 ? environments.value[0]?.name : undefined;
  const environment = chosen === '' ? (only ?? '') : chosen;
  const choice = scenarios.value?.find(({ name }) => name === scenario);

  const choose = (put: (value: string) => void) => (value: string) => {
    put(value);
    setStep({ at: 'choosing' });
    setProblem(null);
  };
  const plan = async () => {
    const wish = {
      scenario,
      environment,
      seed: randomInteger(),
      idempotencyKey: `page-${randomInteger().toString(36)}${randomInteger().toString(36)}`,
    };
    setStep({ at: 'planning' });
    setProblem(null);
    const { seed } = wish;
    const answer = await act('POST', '/runs/plan', { scenario, environment, seed });
    if (answer.isOk) setStep({ at: 'planned', wish, text: (answer.value as { text: string }).text });
    else {
      setProblem(answer.problem);
      setStep({ at: 'choosing' });
    }
  };
  const start = async (wish: Wish, text: string) => {
    setStep({ at: 'starting', wish, text });
    const answer = await act('POST', '/runs', wish);
    if (answer.isOk) location.hash = routeHash({ view: 'runs', id: (answer.value as { id: string }).id });
    else {
      setProblem(answer.problem);
      setStep({ at: 'planned', wish, text });
    }
  };

  return (
    <form
      aria-labelledby="start-run"
      onSubmit={(event) => {
        event.preventDefault();
        void plan();
      }}
    >
      <p class="back">
        <a href={routeHash({ view: 'runs' })} data-back aria-keyshortcuts="Escape">
          ← all runs
        </a>
      </p>
      <h2 id="start-run">Start a run</h2>
      {[scenarios.problem, environments.problem].map((each) => each && <ProblemNotice key={each.detail} problem={each} />)}
      <div class="filters">
        <Select
          label="scenario"
          value={scenario}
          any="choose …"
          options={(scenarios.value ?? []).map(({ name }) => name)}
          onChange={choose(setScenario)}
        />
        <Select
          label="environment"
          value={environment}
          any="choose …"
          options={(environments.value ?? []).map(({ name }) => name)}
          onChange={choose(setEnvironment)}
        />
        <button type="submit" disabled={scenario === '' || environment === '' || step.at === 'planning' || step.at === 'starting'}>
          {step.at === 'planning' ? 'Planning …' : 'Show the plan'}
        </button>
      </div>
      {choice && (
        <p>
          {choice.title}.{' '}
          <span class="muted">{choice.faults.length === 0 ? 'It injects no fault.' : `It injects ${choice.faults.join(', ')}.`}</span>
        </p>
      )}
      {problem && <ProblemNotice problem={problem} about="Refused." />}
      {(step.at === 'planned' || step.at === 'starting') && (
        <section aria-labelledby="plan">
          <h3 id="plan">What it will do</h3>
          <pre tabIndex={0}>{step.text}</pre>
          <button type="button" class="primary" disabled={step.at === 'starting'} onClick={() => void start(step.wish, step.text)}>
            {step.at === 'starting' ? 'Starting …' : `Start ${step.wish.scenario} on ${step.wish.environment} now`}
          </button>
        </section>
      )}
      {step.at === 'choosing' && !problem && <Nothing>The plan is shown first; nothing is touched by it.</Nothing>}
    </form>
  );
}

/** 32 bits. */
function randomInteger(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
