// `holdfast keeper`: the process that owns every fault at its target, and `holdfast keeper status`.
import { type ChildProcess, spawn } from 'node:child_process';
import { Command } from 'commander';
import { ExitCode } from '../core/errors.ts';
import { machineBootId, monoMs } from '../io/clock.ts';
import { identityOf } from '../io/process-identity.ts';
import { COMMAND_MARK } from '../keeper/commands-in-flight.ts';
import { HaltFile } from '../keeper/halt-file.ts';
import { JanitorLink } from '../keeper/janitor-link.ts';
import { KeeperJournal } from '../keeper/keeper-journal.ts';
import { Keeper } from '../keeper/keeper.ts';
import { REVERT_MS } from '../keeper/revert.ts';
import { lockStateFolder, serveKeeper } from '../keeper/server.ts';
import { keeperPlace, type PlaceFlags } from './keeper-place.ts';
import { readStatus, statusText } from './keeper-status.ts';
import { outliveReaders } from './process-family.ts';
import { selfArgv } from './self.ts';

type Flags = PlaceFlags & { once?: true };
type StatusFlags = PlaceFlags & { json?: true };

/** How long a keeper that was started for one run waits for it. */
const UNTAKEN_MS = 60_000;
const JANITOR_READY_MS = 20_000;

export function keeperCommand(): Command {
  return new Command('keeper')
    .description('Owns every fault at its target: injects for whoever holds the lease, and reverts whatever happens.')
    .option('--env <file>', 'the environment it keeps')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--file <file>', 'what it may do; without it a keeper is disarmed, except in a lab')
    .option('--state <folder>', 'its journal; survives it')
    .option('--socket <path>', 'where it listens (0600)')
    .option('--once', 'end when the first run is over and every target out of quarantine')
    .action(keep)
    .addCommand(
      new Command('status')
        .description('Tells who holds a keeper and what became of each fault; reads its journal where no keeper answers.')
        .option('--json', 'as JSON')
        .action((_: unknown, command: Command) => tellStatus(command.optsWithGlobals<StatusFlags>())),
    );
}

async function tellStatus(flags: StatusFlags): Promise<void> {
  const found = await readStatus(flags);
  process.stdout.write(flags.json ? `${JSON.stringify(found?.status ?? null)}\n` : statusText(found));
  if (found?.status.faults.some(({ state }) => state === 'unverified')) process.exitCode = ExitCode.unverified;
}

async function keep(flags: Flags): Promise<void> {
  outliveReaders();
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      stop.abort();
    });
  }
  const { surroundings, file, stateFolder, socket } = await keeperPlace(flags);
  await using opened = new AsyncDisposableStack();
  const journal = opened.use(new KeeperJournal(stateFolder, 'keeper', monoMs));
  opened.use(lockStateFolder(stateFolder));
  const spawnJanitor = janitorSpawner(flags, stateFolder);
  // Every command of this process carries the mark, so that a janitor finds one that outlives it.
  process.env[COMMAND_MARK] = stateFolder;
  const keeper = new Keeper(
    { journal, surroundings, file, halt: new HaltFile(stateFolder), revertMs: REVERT_MS, machineBoot: machineBootId(), now: monoMs, log },
    (isQuiet) => new JanitorLink({ spawn: spawnJanitor, readyMs: JANITOR_READY_MS, isQuiet, now: monoMs, log }),
  );
  opened.use(await serveKeeper(keeper, socket, stateFolder));
  if (flags.once) endWhenIdle(keeper, stop);
  await keeper.run(stop.signal);
  if (keeper.status().faults.some(({ state }) => state === 'unverified')) process.exitCode = ExitCode.unverified;
}

function janitorSpawner(flags: Flags, stateFolder: string): () => ChildProcess {
  const startTicks = identityOf(process.pid)?.startTicks ?? '';
  const same = Object.entries({ env: flags.env, prefix: flags.prefix, file: flags.file }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  const [command, ...args] = selfArgv('janitor', ...same, '--state', stateFolder, '--keeper', `${String(process.pid)}:${startTicks}`);
  const env = { ...process.env };
  return () => spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env });
}

function endWhenIdle(keeper: Keeper, stop: AbortController): void {
  const startedMs = monoMs();
  const watch = setInterval(() => {
    if (keeper.isIdle || (keeper.wasNeverTaken && monoMs() - startedMs > UNTAKEN_MS)) stop.abort();
  }, 200);
  stop.signal.addEventListener('abort', () => {
    clearInterval(watch);
  });
}

function log(text: string): void {
  process.stderr.write(`${new Date().toISOString()} keeper: ${text}\n`);
}
