// The program `holdfast`: finds the chosen subcommand, loads it alone, runs it, and ends with the exit code of the one table.
import { Command, type CommanderError } from 'commander';
import { AppError, ExitCode } from '../core/errors.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { tellError } from './tell-error.ts';
import { programVersion } from './version.ts';

/** Thrown in place of commander's own exit, once help or version have been printed. */
class Finished extends Error {}

async function main(args: readonly string[]): Promise<void> {
  // Debian keeps ip, nft and conntrack where an ordinary user's PATH does not look.
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const program = await programFor(args);
  await program.parseAsync(args, { from: 'user' });
}

async function programFor(args: readonly string[]): Promise<Command> {
  const program = new Command('holdfast')
    .description('Holds connections fast through your VIPs, breaks things on purpose, and tells you exactly what broke.')
    .version(programVersion(), '-v, --version', 'print the version')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExit codes: 0 held, 1 deviated, 2 bad input, 3 inconclusive, 4 errored or refused, 5 a revert is unverified, 130/143 interrupted.',
    );
  const chosen = args[0] === 'help' ? args[1] : args[0];
  for (const entry of COMMANDS) {
    const command = entry.name === chosen ? await loaded(entry) : new Command(entry.name).summary(entry.summary);
    program.addCommand(command, { hidden: entry.isHidden ?? false });
  }
  takeOverEndings(program);
  return program;
}

async function loaded(entry: CommandEntry): Promise<Command> {
  const command = (await entry.load()).summary(entry.summary);
  if (entry.examples.length > 0) command.addHelpText('after', `\nExamples:\n${entry.examples.map((line) => `  ${line}`).join('\n')}`);
  return command;
}

/** Commander would print and exit by itself, with codes of its own; here a wrong flag is an error like any other. */
function takeOverEndings(command: Command): void {
  command.configureOutput({ outputError: () => undefined }).exitOverride((ending) => {
    if (ending.exitCode === 0) throw new Finished();
    throw ending.code === 'commander.help' ? new AppError('BAD_FLAG', 'a command is missing') : badFlag(ending, command);
  });
  command.commands.forEach(takeOverEndings);
}

function badFlag(ending: CommanderError, command: Command): AppError {
  const [what = '', ...suggestion] = ending.message.replace(/^error: /, '').split('\n');
  const names: string[] = [];
  for (let each: Command | null = command; each; each = each.parent) names.unshift(each.name());
  const remedy = suggestion.join(' ').replace(/^\((.*)\)$/, '$1') || `${names.join(' ')} --help shows what there is`;
  return new AppError('BAD_FLAG', what, { remedy });
}

/** Output that goes nowhere ends the program, but a run must still revert what it broke. `holdfast … | head` is no error; a full disk is. */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  if (isWithoutOutput) return;
  isWithoutOutput = true;
  const hasReader = error.code !== 'EPIPE';
  if (hasReader) {
    const remedy = 'make room on the disk that the output goes to, or send it elsewhere';
    process.stderr.write(tellError(new AppError('DISK', `the output cannot be written: ${error.message}`, { remedy })).text);
  }
  if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
  else process.exit(hasReader ? ExitCode.refused : 141); // 128 + SIGPIPE, as a shell shows it
}

function endWith(thrown: unknown): void {
  if (thrown instanceof Finished) return;
  const { text, exitCode } = tellError(thrown);
  // Ends once the text is out: sockets and children of a command that failed would hold the process open.
  process.stderr.write(text, () => process.exit(exitCode));
}

let isWithoutOutput = false;
process.stdout.on('error', endWithoutOutput);
process.stderr.on('error', endWithoutOutput);
// Node's own exit code for these is 1, which here would say `deviated`.
process.on('uncaughtException', endWith);
process.on('unhandledRejection', endWith);
process.exitCode = ExitCode.held;
await main(process.argv.slice(2)).catch(endWith);
