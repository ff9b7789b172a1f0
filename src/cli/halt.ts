// `holdfast halt`: the emergency stop. Reverts everything, with anything else gone, and lets nothing start until it is lifted.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { AppError, messageOf } from '../core/errors.ts';
import { HaltFile } from '../keeper/halt-file.ts';
import { connectKeeper } from '../runner/keeper-client.ts';
import { keeperDoor, type PlaceFlags } from './keeper-place.ts';
import { journalStatus, statusText } from './keeper-status.ts';

type Flags = PlaceFlags & { lift?: true };

/** A revert is tried for 10 s before it is called unverified. */
const WAIT_MS = 15_000;
const POLL_MS = 100;

export function haltCommand(): Command {
  return new Command('halt')
    .description('Reverts every fault now, and allows none until `holdfast halt --lift`.')
    .option('--env <file>', 'an environment that names a keeper')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--state <folder>', 'the keeper’s state folder')
    .option('--socket <path>', 'where the keeper listens')
    .option('--lift', 'allow faults again')
    .action(halt);
}

async function halt(flags: Flags): Promise<void> {
  const { stateFolder, socket } = keeperDoor(flags);
  if (!existsSync(stateFolder)) {
    throw new AppError('KEEPER_UNREACHABLE', `there is no keeper: ${stateFolder} does not exist`, {
      remedy: 'name its folder with --state',
    });
  }
  const file = new HaltFile(stateFolder);
  if (flags.lift) {
    file.remove();
    process.stdout.write('faults are possible again\n');
    return;
  }
  // A file, and not the socket: keeper and janitor both watch it, so it works with either of them frozen or gone.
  await writeOrAsk(file, socket);
  for (const until = performance.now() + WAIT_MS; isAnyOpen(stateFolder) && performance.now() < until;) await sleep(POLL_MS);
  process.stdout.write(statusText({ status: journalStatus(stateFolder), isAnswering: false }));
  if (isAnyOpen(stateFolder)) {
    throw new AppError('KEEPER_UNVERIFIED', 'not every fault is confirmed to be reverted', {
      remedy: 'look at the devices named above; if no keeper runs, start one: it reverts what it finds in its journal',
    });
  }
  process.stdout.write('all is reverted and verified; `holdfast halt --lift` allows faults again\n');
}

/** A disk that takes no file leaves the socket: the keeper then halts from memory. */
async function writeOrAsk(file: HaltFile, socket: string): Promise<void> {
  try {
    file.write();
  } catch (error) {
    process.stderr.write(`${messageOf(error)}; the keeper is asked instead\n`);
    using client = await connectKeeper(socket, { timeoutMs: 0, signal: AbortSignal.timeout(WAIT_MS) });
    await client.halt();
  }
}

function isAnyOpen(stateFolder: string): boolean {
  return journalStatus(stateFolder).faults.some(({ state }) => state !== 'verified' && state !== 'gone');
}
