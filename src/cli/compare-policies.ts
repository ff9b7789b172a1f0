// `holdfast compare-policies`: the VIPs of an environment through the same faults at the same instants, side by side.
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { adviceOf } from '../analysis/policies/advice.ts';
import { comparePolicies } from '../analysis/policies/compare-policies.ts';
import { type PolicyRun, type Trial, TRIAL_TITLES, TRIALS } from '../analysis/policies/figures.ts';
import { readPolicyRun } from '../analysis/policies/policy-run.ts';
import { AppError, ExitCode } from '../core/errors.ts';
import { JOURNAL_FILE } from '../core/journal.ts';
import { formatDurationMs } from '../core/units.ts';
import { readJournal } from '../io/journal-file.ts';
import { writeWholeFiles } from '../io/whole-file.ts';
import { comparisonMarkdown, comparisonText } from '../report/policy-comparison.ts';
import { interruptedExitCode, onRunInterruption } from './carry-out.ts';
import { lineWatcher } from './live-view.ts';
import { checkFile, loadEnvironment, readDocument, whole } from './load-files.ts';
import { namesOf } from './load-run.ts';
import { faultOf, isOfVip, trialMs, trialPlan, type TrialOptions } from './policy-trials.ts';
import { type LoadedPlan, openEnvironment, openOrBuildLab, resolveEnvironment } from './run-environment.ts';
import { claimRunFolder, refuseUsedFolder } from './run-folder.ts';
import { runSession } from './run-session.ts';

type Flags = {
  env: string;
  only?: Trial[];
  vips?: string[];
  flows: number;
  node: string;
  out?: string;
  probe: string;
  prefix: string;
  seed: number;
  json?: true;
  dryRun?: true;
};
type Done = { run: PolicyRun; folder: string };

export function comparePoliciesCommand(): Command {
  return new Command('compare-policies')
    .description(
      'Takes VIPs of different traffic policies through the same faults at the same instants, and prints what each of them cost, with advice that rests on these figures. On the lab of deploy/lab/metallb.yaml it takes about five minutes.',
    )
    .requiredOption('--env <file>', 'an environment file')
    .option('--only <trials>', `some of ${TRIALS.join(', ')}`, parseTrials)
    .option('--vips <names>', 'VIPs to compare (default: all of the environment)', (text) => text.split(','))
    .option('--flows <count>', 'TCP flows that each vantage holds on each VIP', parseCount, 150)
    .option('--node <name>', 'the node to break: a name, middle-hop or end-hop', 'middle-hop')
    .option('--out <folder>', 'folder for the runs and the table (default: a new one below runs/)')
    .option('--probe <file>', 'the probe that holds the flows', 'probes/tcp-hold.yaml')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--seed <number>', 'decides every choice that is left open', parseCount, 1)
    .option('--json', 'the figures as JSON on standard output')
    .option('--dry-run', 'list the runs, and touch nothing')
    .action(async (flags: Flags) => {
      process.exit(await comparePoliciesOf(flags));
    });
}

async function comparePoliciesOf(flags: Flags): Promise<number> {
  if (flags.out !== undefined && !flags.dryRun) refuseUsedFolder(flags.out);
  const file = loadEnvironment(flags.env);
  const vips = chosenVips(flags, namesOf(file.value).vips);
  const probeFile = whole(checkFile(readDocument(flags.probe), 'probe'));
  const options: TrialOptions = { ...flags, vips, probe: { name: probeFile.name, probe: probeFile.value } };
  const trials = flags.only ?? TRIALS;
  if (flags.dryRun) {
    process.stdout.write(dryRunText(trials, options));
    return ExitCode.held;
  }
  const { place, resolved } = await resolveEnvironment(file.value, { name: file.name, prefix: flags.prefix, purpose: 'build' });
  const loadedOf = (trial: Trial, vip: string): LoadedPlan => ({
    plan: trialPlan(trial, resolved, vip, options),
    environmentFile: resolve(flags.env),
    place,
  });
  using interruption = onRunInterruption();
  const { signal } = interruption;
  using folder = claimRunFolder(flags.out ?? null, 'policies', new Date());
  const done: Done[] = [];
  let exitCode: number = ExitCode.held;
  try {
    await using _lab = place.kind === 'lab' ? await openOrBuildLab(place, signal) : null;
    for (const [index, trial] of trials.entries()) {
      for (const vip of isOfVip(trial) ? vips : vips.slice(0, 1)) {
        // Services may stand before the same pods: one rollout is then all of theirs.
        const isDone = done.some(({ run }) => run.trial === trial && (trial !== 'rollout' || run.rolledOut.includes(vip)));
        if (isDone || signal.aborted) continue;
        tell(
          `trial ${String(index + 1)} of ${String(trials.length)}: ${TRIAL_TITLES[trial]}${trial === 'rollout' ? ` of ${vip}` : ''}, at most ${formatDurationMs(trialMs(trial))}`,
        );
        const end = await carryOutTrial(trial, loadedOf(trial, vip), {
          out: join(folder.path, trial === 'rollout' ? `${trial}-${vip}` : trial),
          signal,
        });
        done.push(end.done);
        // A revert that nobody verified comes before everything, and nothing more is broken on top of it.
        if (end.exitCode === ExitCode.unverified) exitCode = end.exitCode;
        if (exitCode === ExitCode.unverified) break;
      }
      if (signal.aborted || exitCode === ExitCode.unverified) break;
    }
  } catch (error) {
    if (!signal.aborted || error instanceof AppError) throw error;
  }
  if (done.length === 0) return interruptedExitCode(interruption, exitCode);
  tellComparison(done, folder.path, flags);
  // Figures of a run that was cut short are told, and are no answer.
  if (exitCode === ExitCode.held && done.some(({ run }) => run.trouble !== null)) exitCode = ExitCode.inconclusive;
  return interruptedExitCode(interruption, exitCode);
}

async function carryOutTrial(
  trial: Trial,
  loaded: LoadedPlan,
  { out, signal }: { out: string; signal: AbortSignal },
): Promise<{ done: Done; exitCode: number }> {
  using folder = claimRunFolder(out, loaded.plan.scenario.name, new Date());
  await using parts = await openEnvironment(loaded, signal);
  const { report, exitCode } = await runSession({
    plan: loaded.plan,
    parts,
    folder,
    interrupt: signal,
    watcher: lineWatcher(process.stderr),
  });
  tell(report.summary);
  const { events } = await readJournal(join(folder.path, JOURNAL_FILE));
  return { done: { run: readPolicyRun(trial, events), folder: folder.path }, exitCode };
}

function tellComparison(done: readonly Done[], folder: string, { json }: Flags): void {
  const comparison = comparePolicies(done.map(({ run }) => run));
  const advice = adviceOf(comparison);
  const data = {
    schema: 1,
    runs: done.map(({ run, folder: of }) => ({ trial: run.trial, folder: of, trouble: run.trouble })),
    ...comparison,
    advice,
  };
  writeWholeFiles([
    [join(folder, 'comparison.json'), [`${JSON.stringify(data, null, 2)}\n`]],
    [join(folder, 'comparison.md'), [comparisonMarkdown(comparison, advice)]],
  ]);
  if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
  else process.stdout.write(comparisonText(comparison, advice, Math.min(200, Math.max(80, process.stdout.columns || 120))));
  tell(`the table lies in ${join(folder, 'comparison.md')}, a report of each run beside it`);
}

function chosenVips({ vips }: Flags, known: readonly string[]): string[] {
  const chosen = vips ?? [...known];
  const unknown = chosen.find((vip) => !known.includes(vip));
  if (unknown !== undefined)
    throw new AppError('UNKNOWN_NAME', `the environment has no VIP "${unknown}"`, { remedy: `take some of ${known.join(', ')}` });
  return chosen;
}

function dryRunText(trials: readonly Trial[], { vips, flows, node }: TrialOptions): string {
  const lines = trials.map(
    (trial) =>
      `  ${TRIAL_TITLES[trial]}: ${faultOf(trial)}${isOfVip(trial) ? '' : ` at ${node}`}, at most ${formatDurationMs(trialMs(trial))}`,
  );
  const totalMs = trials.reduce((sum, trial) => sum + trialMs(trial), 0);
  return [
    `Holds, in every run: ${String(flows)} TCP flows of each vantage on each of ${vips.join(', ')}`,
    'Runs:',
    ...lines,
    `About ${formatDurationMs(totalMs)} in all, and some seconds before and after each; a rollout is run once for each Deployment. Nothing was touched.`,
    '',
  ].join('\n');
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function parseTrials(text: string): Trial[] {
  const named = text.split(',');
  const unknown = named.find((name) => !TRIALS.some((trial) => trial === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`there is no trial "${unknown}": expected some of ${TRIALS.join(', ')}`);
  return TRIALS.filter((trial) => named.includes(trial));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 20_000) throw new InvalidArgumentError('expected a whole number from 1 to 20000');
  return count;
}
