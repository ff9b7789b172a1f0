// `npm run demo`: the main job on a real lab: one run that holds, one that deviates, both judged as they must be.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { Report } from '../core/report-format.ts';

const ENVIRONMENT = 'deploy/lab/three-nodes.yaml';

type Act = { scenario: string; says: string; isAsExpected: (report: Report) => boolean };

const ACTS: readonly Act[] = [
  {
    scenario: 'scenarios/bgp-session-drop.yaml',
    says: 'The middle hop loses its BGP session: its flows break, nobody else is hurt.',
    isAsExpected: ({ verdict }) => verdict === 'held',
  },
  {
    scenario: 'scenarios/node-drain.yaml',
    says: 'An end hop is drained the naive way: flows of other nodes are hurt too.',
    isAsExpected: ({ verdict, checks }) =>
      verdict === 'deviated' && checks.every(({ check, verdict: each }) => (each === 'deviated') === (check === 'broken-elsewhere')),
  },
];

export function demoCommand(): Command {
  return new Command('demo')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hfdemo')
    .action(async ({ prefix }: { prefix: string }) => {
      process.exit(await demo(prefix));
    });
}

async function demo(prefix: string): Promise<number> {
  const { loadPlan, openEnvironment, openOrBuildLab } = await import('./run-environment.ts');
  const { interruptedExitCode, onRunInterruption, watchedSession } = await import('./carry-out.ts');
  const { claimRunFolder } = await import('./run-folder.ts');
  using interruption = onRunInterruption();
  const { signal } = interruption;
  const folders: string[] = [];
  try {
    const loaded = [];
    for (const act of ACTS) {
      loaded.push({ act, run: await loadPlan({ scenario: act.scenario, environment: ENVIRONMENT, prefix, seed: 1, isDryRun: false }) });
    }
    const place = loaded[0]?.run.place;
    if (place?.kind !== 'lab') throw new AppError('BAD_INPUT', `${ENVIRONMENT} is no lab`);
    await using _lab = await openOrBuildLab(place, signal);
    for (const { act, run } of loaded) {
      process.stdout.write(`\n── ${act.says}\n\n`);
      using claimed = claimRunFolder(null, run.plan.scenario.name, new Date());
      await using parts = await openEnvironment(run, signal);
      const { report, folder, end, exitCode, unwritten } = await watchedSession({
        plan: run.plan,
        parts,
        folder: claimed,
        isJson: false,
        signal,
      });
      folders.push(folder);
      if (end.kind === 'interrupted' || unwritten.length > 0) return interruptedExitCode(interruption, exitCode);
      if (!act.isAsExpected(report)) {
        throw new AppError('LAB_UNSOUND', `${act.scenario} ended ${report.verdict}, and not as this lab must make it end`, {
          remedy: `look into ${folder}/report.html; a machine that is very busy can do this: run the demo again`,
        });
      }
    }
  } catch (error) {
    if (signal.aborted && !(error instanceof AppError)) return interruptedExitCode(interruption, 130);
    throw error;
  }
  process.stdout.write(
    `\nBoth runs were carried out and judged as they must be. Open these in a browser:\n${folders.map((folder) => `  ${folder}/report.html\n`).join('')}`,
  );
  return 0;
}
