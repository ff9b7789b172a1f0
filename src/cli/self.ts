// This very program, to be started again as another process of its family.
import { fileURLToPath } from 'node:url';
import type { Argv } from '../io/command.ts';

/** The command line that starts subcommand `args` with the Node and the code that are running now. */
export function selfArgv(...args: readonly string[]): Argv {
  const { pathname } = new URL(import.meta.url);
  // Built, the files end in .js; in a checkout Node strips the types of .ts.
  const main = fileURLToPath(new URL(`./main${pathname.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
  return [process.execPath, '--disable-warning=ExperimentalWarning', main, ...args];
}

/** The folder `deploy` of this program: what a lab's cluster is built from, and its roles. */
export function deployFolder(): string {
  return fileURLToPath(new URL('../../deploy', import.meta.url));
}
