// Asking and telling a lab member's FRR.
import { AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import { frrFolder, vtyshArguments } from './address-plan.ts';

/**
 * Runs vtysh commands, built from typed values only, one after the other; returns what they print.
 * The daemons' sockets are files, so that it does not matter in which namespace vtysh runs.
 * @throws AppError COMMAND_FAILED with FRR's own words when it refuses one
 */
export async function vtysh(
  member: { stateFolder: string; name: string },
  commands: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  // vtysh splits an argument at newlines: one would smuggle in a command.
  const broken = commands.find((command) => /[\n\r]/.test(command));
  if (broken !== undefined) throw new Error(`a vtysh command holds a newline: ${JSON.stringify(broken)}`);
  const folder = frrFolder(member.stateFolder, member.name);
  const output = await runCommand(['vtysh', ...vtyshArguments(folder), ...commands.flatMap((command) => ['-c', command])], {
    ...(signal && { signal }),
  });
  const complaint = output.split('\n').find((line) => line.startsWith('%'));
  if (complaint !== undefined) {
    throw new AppError('COMMAND_FAILED', `FRR of ${member.name} refused a command: ${complaint}`, {
      remedy: `see its logs in ${folder}`,
    });
  }
  return output;
}
