// `holdfast verify`: what the cluster intends, what MetalLB says, what routers have and what flows see, in one table a VIP.
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import { formatDurationMs, parseDurationMs } from '../core/units.ts';
import type { RunPlan } from '../runner/plan.ts';
import type { SessionResult } from './run-session.ts';

type Flags = {
  env: string;
  vip?: string[];
  flows: number;
  protocol: 'tcp' | 'udp';
  for: number;
  prefix: string;
  out?: string;
  json?: true;
};

/** Changes of intent are given 8 s to arrive: the rest is what is judged. */
const SHORTEST_MS = 10_000;

export function verifyCommand(): Command {
  return new Command('verify')
    .description(
      'Holds flows for a short while, without any fault, and compares for each VIP and node what the cluster’s objects intend, what MetalLB ' +
        'says of itself, what the routers have and what flows see. Ends with 0 where they agree, 1 where they differ, 3 where too little was seen.',
    )
    .requiredOption('--env <file>', 'an environment file that names a cluster')
    .option('--vip <name...>', 'only these VIPs of it (default: all that have a Service)')
    .option('--flows <count>', 'flows to hold to each VIP from each vantage', parseCount, 64)
    .addOption(new Option('--protocol <protocol>', 'of the flows').choices(['tcp', 'udp']).default('tcp'))
    .addOption(new Option('--for <duration>', 'how long to look, at least 10s').argParser(parseDuration).default(15_000, '15s'))
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--out <folder>', 'folder for journal and reports (default: a new one below runs/)')
    .option('--json', 'the result as one JSON document on standard output')
    .action(async (flags: Flags) => {
      const { refuseUsedFolder } = await import('./run-folder.ts');
      if (flags.out !== undefined) refuseUsedFolder(flags.out);
      process.exit(await verify(flags));
    });
}

async function verify(flags: Flags): Promise<number> {
  const { loadEnvironment } = await import('./load-files.ts');
  const { openEnvironment, resolveEnvironment } = await import('./run-environment.ts');
  const { interruptedExitCode, onRunInterruption } = await import('./carry-out.ts');
  const { claimRunFolder } = await import('./run-folder.ts');
  const { runSession } = await import('./run-session.ts');
  const file = loadEnvironment(flags.env);
  const { place, resolved } = await resolveEnvironment(file.value, { name: file.name, prefix: flags.prefix, purpose: 'build' });
  const plan = planOf(flags, resolved);
  using interruption = onRunInterruption();
  using folder = claimRunFolder(flags.out ?? null, 'verify', new Date());
  await using parts = await openEnvironment({ plan, environmentFile: resolve(flags.env), place }, interruption.signal);
  const { environment } = plan;
  process.stderr.write(
    `verify: ${environment.title}: ${String(flags.flows)} flows to each of ${plan.scenario.flows.map(({ vip }) => vip).join(', ')} ` +
      `from ${environment.vantages.map(({ name }) => name).join(', ')}, for ${formatDurationMs(flags.for)}\n`,
  );
  const quiet = { onEvent: () => undefined, onPulse: () => undefined, close: () => undefined };
  const result = await runSession({ plan, parts, folder, watcher: quiet, interrupt: interruption.signal });
  await print(flags, environment, result);
  return interruptedExitCode(interruption, result.exitCode);
}

async function print(flags: Flags, environment: Environment, result: SessionResult) {
  const { compareVips } = await import('./compare-vips.ts');
  const { hasColour } = await import('./write-reports.ts');
  const { report, folder, hasReports, end } = result;
  const cutShort = 'why' in end ? end.why : null;
  const vips = await compareVips(folder, environment, report.checks);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ verdict: report.verdict, folder, cutShort, vips }, null, 2)}\n`);
    return;
  }
  const { intentWireText } = await import('../report/terminal/intent-wire.ts');
  const width = Math.min(160, Math.max(60, process.stdout.columns || 80));
  process.stdout.write(intentWireText(vips, report.verdict, { width, colour: hasColour() }));
  if (cutShort !== null) process.stdout.write(`\nIt was cut short: ${cutShort}.\n`);
  if (hasReports) process.stdout.write(`\nEverything else about it: ${join(folder, 'report.html')}\n`);
}

/** Every VIP that has a Service, held and watched for a while. */
function planOf(flags: Flags, environment: Environment): RunPlan {
  if (environment.cluster === null) {
    throw new AppError('CAPABILITY_MISSING', `the environment ${environment.name} names no cluster, so nobody says what is intended`, {
      remedy: 'add `cluster:` to it; `holdfast discover` writes an environment from a live cluster',
    });
  }
  const asked = flags.vip ?? environment.vips.flatMap(({ name, service }) => (service === null ? [] : [name]));
  for (const name of asked) {
    const vip = environment.vips.find((one) => one.name === name);
    if (!vip) {
      throw new AppError('UNKNOWN_NAME', `the environment ${environment.name} has no VIP "${name}"`, {
        remedy: `name one of ${environment.vips.map((one) => one.name).join(', ')}`,
      });
    }
    if (vip.service === null) {
      throw new AppError('CAPABILITY_MISSING', `no Service is named for the VIP ${name} in ${environment.name}`, {
        remedy: 'add `service: namespace/name` to it',
      });
    }
  }
  if (asked.length === 0) {
    throw new AppError('CAPABILITY_MISSING', `no VIP of the environment ${environment.name} names its Service`, {
      remedy: 'add `service: namespace/name` to a VIP',
    });
  }
  const probe: Probe = {
    title: `${flags.protocol} flows`,
    protocol: flags.protocol,
    intervalMs: 500,
    timeoutMs: 500,
    stallAfterMs: 1_500,
    payloadBytes: 64,
    freshDialsPerSec: 8,
  };
  const scenario: Scenario & { name: string } = {
    name: 'verify',
    title: 'Intent against wire',
    flows: asked.map((vip) => ({ probe: flags.protocol, vip, vantages: 'all', count: flags.flows })),
    timeline: [],
    expect: asked.map((vip) => ({ check: 'intent-matches-wire', vip })),
    baseline: flags.for,
    recovery: 0,
    minFlows: 1,
  };
  const observers = ['cluster', ...(environment.routers.length > 0 ? ['routes', 'bgp'] : [])];
  return { scenario, environment: { ...environment, observers }, probes: { [flags.protocol]: probe }, seed: 1 };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 20_000) throw new InvalidArgumentError('expected a whole number from 1 to 20000');
  return count;
}

function parseDuration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < SHORTEST_MS) {
    throw new InvalidArgumentError('expected a duration of at least 10s: a change is given 8s to reach the router before it is judged');
  }
  return ms;
}
