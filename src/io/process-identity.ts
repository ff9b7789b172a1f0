// Who is a pid? Its start time tells one process from a later one with the same number.
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessIdentity = { pid: number; /** Clock ticks after boot, field 22 of /proc/PID/stat. */ startTicks: string };

/** The identity of a living process (not a zombie); null when there is none. */
export function identityOf(pid: number): ProcessIdentity | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The command's name may hold blanks and parentheses: fields count from the last ')'.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[19] === undefined ? null : { pid, startTicks: fields[19] };
  } catch {
    return null; // no such process
  }
}

/** Whether exactly that process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.startTicks === identity.startTicks;
}

/** A living process, other than this one, whose command line is the one meant; null when there is none. */
export function findProcess(isMeant: (words: readonly string[]) => boolean): ProcessIdentity | null {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid || !isMeant(commandLine(entry))) continue;
    const identity = identityOf(Number(entry));
    if (identity) return identity;
  }
  return null;
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it ended, or is not ours to look at
  }
}
