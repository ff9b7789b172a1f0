// Running a command, here or in a network namespace: argv only, never a shell, always with a time limit.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import type { Place } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';

export type Argv = readonly [string, ...string[]];
export type CommandOptions = {
  place?: Place;
  /** Default 10 s; the command and its children are killed after it. */
  timeoutMs?: number;
  /** Written to the command's standard input. */
  input?: string;
  signal?: AbortSignal;
};
export type CommandResult = { code: number; stdout: string; stderr: string };

/** `argv` as it must be started to run in `place`. */
export function argvIn(place: Place | undefined, argv: Argv): Argv {
  return place?.netns ? ['ip', 'netns', 'exec', place.netns, ...argv] : argv;
}

/**
 * Starts a command in a place and leaves it to the caller.
 * It runs in a session of its own: a terminal's Ctrl-C is for us to hear, not for a command or a prober in the middle of its work.
 */
export function spawnIn(place: Place | undefined, argv: Argv, options: SpawnOptions): ChildProcess {
  const [file, ...rest] = argvIn(place, argv);
  return spawn(file, rest, { detached: true, ...options });
}

/**
 * Runs a command to its end and returns its standard output.
 * @throws AppError COMMAND_MISSING, COMMAND_FAILED (with its standard error), TIMEOUT; the signal's reason when aborted
 */
export async function runCommand(argv: Argv, options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, options);
  if (code !== 0) {
    const said = (stderr.trim() || stdout.trim()).slice(0, 2_000);
    throw new AppError('COMMAND_FAILED', `${describe(argv, options.place)} ended with ${String(code)}${said ? `: ${said}` : ''}`);
  }
  return stdout;
}

/** Like `runCommand`, but a non-zero end is a result and not an error. */
export async function tryCommand(argv: Argv, options: CommandOptions = {}): Promise<CommandResult> {
  const { place, timeoutMs = 10_000, input, signal } = options;
  signal?.throwIfAborted();
  const child = spawnIn(place, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  // A command that ends without reading its input is no error of ours.
  child.stdin?.on('error', () => undefined).end(input ?? '');
  return await new Promise<CommandResult>((resolve, reject) => {
    const kill = () => {
      killSession(child);
      // Who left the session may keep these open for as long as it likes, and nobody reads them any more.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      act();
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      settle(() => {
        reject(commandError(argv, place, cause));
      });
    });
    child.once('close', (code, killedBy) => {
      settle(() => {
        if (signal?.aborted) reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        else if (isLate) reject(new AppError('TIMEOUT', `${describe(argv, place)} did not end within ${String(timeoutMs / 1000)} s`));
        else resolve({ code: code ?? (killedBy ? 128 : 1), ...output });
      });
    });
  });
}

/** Ends a command of `spawnIn` and its children. */
function killSession(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // it has not come to lead a group, or the last of the group has ended
  }
}

function commandError(argv: Argv, place: Place | undefined, cause: NodeJS.ErrnoException): AppError {
  if (cause.code === 'ENOENT') {
    const command = argvIn(place, argv)[0];
    return new AppError('COMMAND_MISSING', `the command ${command} is not on this machine`, {
      remedy: 'run deploy/setup.sh, or holdfast doctor to see all that is missing',
      cause,
    });
  }
  return new AppError('COMMAND_FAILED', `${describe(argv, place)} could not be started: ${cause.message}`, { cause });
}

function describe(argv: Argv, place: Place | undefined): string {
  const command = argv.join(' ').slice(0, 200);
  return place?.netns ? `\`${command}\` in ${place.netns}` : `\`${command}\``;
}
