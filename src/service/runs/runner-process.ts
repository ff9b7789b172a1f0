// The detached `holdfast run` of one run: started, found again, told to end. There is never a second one for the same folder.
//
// A run's folder is claimed by whoever creates journal.ndjson in it first, with O_EXCL: the runner, before it touches anything, or the
// service's fence, after which no runner can begin there. So a service that died between starting a runner and noting its pid may start
// another in a new folder, whatever became of the first.
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_FILE } from '../../core/journal.ts';
import { type Argv, spawnIn } from '../../io/command.ts';
import { findProcess, identityOf, isAlive, type ProcessIdentity } from '../../io/process-identity.ts';

export type StartedRunner = {
  /** Null when it ended before it could be looked at. */
  identity: ProcessIdentity | null;
  /** Its exit code; null when a signal ended it or it could not be started. */
  ended: Promise<number | null>;
};

/** Starts it in a session of its own: neither the service's end nor its terminal's Ctrl-C is the runner's. Both outputs go to `logFile`. */
export function startRunner(argv: Argv, logFile: string): StartedRunner {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawnIn(undefined, argv, { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve).once('error', () => {
      resolve(null);
    });
  });
  child.unref();
  return { identity: child.pid === undefined ? null : identityOf(child.pid), ended };
}

/** The living process that was told to write into `folder`; null when there is none. */
export function findRunner(folder: string): ProcessIdentity | null {
  return findProcess((words) => {
    const out = words.indexOf('--out');
    return out >= 0 && words[out + 1] === folder;
  });
}

/**
 * Makes sure that no runner begins in `folder` from now on. A journal that is empty is an earlier fence, or that of a runner that died
 * before its first word and so before it touched anything.
 * @returns false when one has begun there
 * @throws what the filesystem says otherwise
 */
export function fence(folder: string): boolean {
  const journal = join(folder, JOURNAL_FILE);
  mkdirSync(folder, { recursive: true });
  try {
    closeSync(openSync(journal, 'wx'));
    return true;
  } catch (error) {
    // Who is looked for after its journal was seen empty cannot have begun meanwhile: it would be found.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return isEmpty(journal) && findRunner(folder) === null;
    throw error;
  }
}

/** Signals exactly that process. @returns whether it still lived */
export function signalRunner(identity: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch {
    return false; // it ended in this moment
  }
}

function isEmpty(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === 0;
}
