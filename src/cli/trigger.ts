// `holdfast trigger`: starts a run at a service and, if asked to, ends with its verdict: what a pipeline calls.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { type RunResource, runResource } from '../core/api.ts';
import { AppError, ExitCode, messageOf } from '../core/errors.ts';
import type { Report } from '../core/report-format.ts';
import { formatDurationMs, parseDurationMs } from '../core/units.ts';
import { plainText } from '../report/plain-text.ts';
import { type Interruption, onInterruption } from './interruption.ts';
import { reportExitCode } from './report-exit-code.ts';
import { type ServiceClient, serviceClient } from './service-client.ts';

type Flags = {
  env: string;
  service: string;
  tokenFile: string;
  seed?: number;
  wait?: true;
  json?: true;
  timeout: number;
  cancelOnInterrupt?: true;
};
type Following = { client: ServiceClient; flags: Flags; interruption: Interruption; /** A second Ctrl-C. */ impatience: AbortSignal };

const POLL_MS = 1_000;
const LAST_ASK_MS = 10_000;

export function triggerCommand(): Command {
  return new Command('trigger')
    .argument('<scenario>', 'a scenario of the service, by name (or the path of its file)')
    .requiredOption('--env <name>', 'an environment of the service, by name (or the path of its file)')
    .requiredOption('--service <address>', 'http://HOST:PORT, https://HOST:PORT or unix:/PATH/OF/api.sock')
    .requiredOption('--token-file <file>', 'a file with a token of the role operator')
    .option('--seed <number>', 'resolves `node: any`; default: chosen by the service', parseSeed)
    .option('--wait', 'wait for the end, and exit with the verdict')
    .addOption(new Option('--timeout <duration>', 'how long to wait at most').argParser(parseTimeout).default(3_600_000, '1h'))
    .option('--cancel-on-interrupt', 'Ctrl-C cancels the run; without it, it goes on')
    .option('--json', 'the run as NDJSON on standard output, a line a change')
    .action(async (scenario: string, flags: Flags) => {
      process.exitCode = await trigger(scenario, flags);
    });
}

async function trigger(scenario: string, flags: Flags): Promise<number> {
  await using client = serviceClient(flags.service, readToken(flags.tokenFile));
  const impatience = new AbortController();
  using interruption = onInterruption((isFirst) => {
    if (!isFirst) impatience.abort();
  });
  const run = await client.ask({
    ...{ method: 'POST', path: '/runs', schema: runResource, signal: interruption.signal },
    body: {
      ...{ scenario: nameOf(scenario), environment: nameOf(flags.env), idempotencyKey: randomUUID() },
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    },
  });
  tell(flags, run, `run ${run.id} of ${run.scenario} in ${run.environment}: ${run.state}, seed ${String(run.seed)}`);
  if (!flags.wait) {
    if (!flags.json) process.stdout.write(`${run.id}\n`);
    return ExitCode.held;
  }
  const ended = await follow(run, { client, flags, interruption, impatience: impatience.signal });
  if (ended === null) return interruption.exitCode ?? ExitCode.refused;
  if (!flags.json) process.stdout.write(summaryOf(ended));
  const code = await exitCodeOf(ended, client);
  return code === ExitCode.unverified ? code : (interruption.exitCode ?? code);
}

/** Asks until the run is over. @returns null when a person stopped waiting @throws AppError TIMEOUT and what the service refuses with */
async function follow(first: RunResource, { client, flags, interruption, impatience }: Following): Promise<RunResource | null> {
  const until = performance.now() + flags.timeout;
  const path = `/runs/${encodeURIComponent(first.id)}`;
  let run = first;
  let isAway = false;
  let { signal } = interruption;
  while (!isOver(run)) {
    if (performance.now() > until) throw lateError(run, flags);
    try {
      await sleep(POLL_MS, undefined, { signal });
      const next = await client.ask({ method: 'GET', path, schema: runResource, signal });
      if (isAway) note(flags, 'the service answers again');
      isAway = false;
      for (const line of changes(run, next)) tell(flags, next, line);
      run = next;
    } catch (error) {
      if (signal.aborted) {
        if (!flags.cancelOnInterrupt || impatience.aborted) {
          note(flags, `stopped waiting; the run goes on. To cancel it: the page, or POST ${flags.service}/api/v1${path}/cancel`);
          return null;
        }
        signal = impatience;
        note(flags, 'cancelling: what the run broke is reverted, then it reports');
        await cancel(path, client);
      } else if (error instanceof AppError && error.code === 'SERVICE_UNREACHABLE') {
        if (!isAway) note(flags, `${error.message}; asking again, since a run outlives its service`);
        isAway = true;
      } else throw error;
    }
  }
  return run;
}

async function cancel(path: string, client: ServiceClient): Promise<void> {
  try {
    await client.ask({ method: 'POST', path: `${path}/cancel`, schema: z.unknown(), signal: AbortSignal.timeout(LAST_ASK_MS) });
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'CONFLICT')) throw error; // it has just ended by itself
  }
}

function isOver({ state }: RunResource): boolean {
  return state !== 'queued' && state !== 'running';
}

function changes(before: RunResource, now: RunResource): string[] {
  return [
    ...now.annotations.slice(before.annotations.length).map(({ text }) => `noted: ${plainText(text)}`),
    ...(now.isCancelRequested && !before.isCancelRequested ? ['cancelling'] : []),
    ...(now.state === before.state
      ? []
      : [`${now.state}${now.state === 'queued' || now.state === 'running' ? '' : `, after ${lasted(now)}`}`]),
  ];
}

function lasted({ startedMs, endedMs, dueMs }: RunResource): string {
  const ms = (endedMs ?? dueMs) - (startedMs ?? dueMs);
  return `${(Math.max(0, ms) / 1_000).toFixed(0)} s`;
}

function summaryOf({ id, state, verdict, summary, comparison }: RunResource): string {
  const lines = [
    verdict === null ? state : `${verdict}${state === 'ended' ? '' : ` (${state})`}`,
    ...(summary === null ? [] : [plainText(summary)]),
    ...(comparison ?? []).map((line) => `  ${plainText(line)}`),
    `run ${id}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The report's own code, since it knows of reverts; a run without a report was never carried out. */
async function exitCodeOf({ id, verdict }: RunResource, client: ServiceClient): Promise<ExitCode> {
  if (verdict === null) return ExitCode.refused;
  const schema = z.custom<Pick<Report, 'faults' | 'verdict'>>((value) => typeof value === 'object' && value !== null && 'faults' in value);
  try {
    const path = `/runs/${encodeURIComponent(id)}/report.json`;
    return reportExitCode(await client.ask({ method: 'GET', path, schema, signal: AbortSignal.timeout(LAST_ASK_MS) }));
  } catch (error) {
    process.stderr.write(`the report cannot be read, so reverts are not known: ${messageOf(error)}\n`);
    return reportExitCode({ faults: [], verdict });
  }
}

function lateError(run: RunResource, { timeout, service }: Flags): AppError {
  return new AppError('TIMEOUT', `run ${run.id} is still ${run.state} after ${formatDurationMs(timeout)}`, {
    remedy: `it goes on; give --timeout more, or cancel it: POST ${service}/api/v1/runs/${run.id}/cancel`,
  });
}

function tell(flags: Flags, run: RunResource, line: string): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(run)}\n`);
  else note(flags, line);
}

function note(flags: Flags, line: string): void {
  if (!flags.json) process.stderr.write(`${new Date().toISOString()} ${line}\n`);
}

/** `scenarios/quiet.yaml` and `quiet` are the same scenario to a service. */
function nameOf(text: string): string {
  return basename(text).replace(/\.ya?ml$/, '');
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `the token file ${path} cannot be read: ${messageOf(cause)}`, {
      remedy: 'the service printed its first token when it was first started; more are made on the page or by POST /api/v1/tokens',
      cause,
    });
  }
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295');
  return seed;
}

function parseTimeout(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < 1_000) throw new InvalidArgumentError('expected a duration of at least 1s, such as 90s or 1h');
  return ms;
}
