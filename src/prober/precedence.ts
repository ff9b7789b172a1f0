// A prober that waits for a processor measures its own machine: it asks to go before other programs.
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Before all ordinary programs, behind what keeps a machine alive. */
const NICE = -10;

/** Takes what this machine grants: nothing without root's rights, and then the prober does as well as it can. */
export function takePrecedence(): void {
  attempt(() => {
    setPriority(NICE);
  });
  // Linux shares processors among sessions first, and by niceness only within one: ours has a niceness too, if it is ours alone.
  attempt(() => {
    if (sessionOf(readFileSync('/proc/self/stat', 'utf8')) === process.pid) writeFileSync('/proc/self/autogroup', String(NICE));
  });
}

/** Field 6 of /proc/PID/stat; fields count from the last ')', since the command's name may hold blanks and parentheses. */
function sessionOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Not granted, or not Linux.
  }
}
