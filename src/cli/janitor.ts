// `holdfast janitor` (hidden): started by a keeper, it reverts what expired whatever becomes of the keeper.
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { machineBootId, monoMs } from '../io/clock.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../io/process-identity.ts';
import { commandsInFlight } from '../keeper/commands-in-flight.ts';
import { HaltFile } from '../keeper/halt-file.ts';
import { toJanitor } from '../keeper/janitor-messages.ts';
import { Janitor } from '../keeper/janitor.ts';
import { KeeperContact } from '../keeper/keeper-contact.ts';
import { KeeperJournal } from '../keeper/keeper-journal.ts';
import { REVERT_MS } from '../keeper/revert.ts';
import { keeperPlace, type PlaceFlags } from './keeper-place.ts';
import { outliveReaders } from './process-family.ts';

type Flags = PlaceFlags & { keeper: string };

export function janitorCommand(): Command {
  return new Command('janitor')
    .requiredOption('--env <file>', 'the environment of its keeper')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--file <file>', 'the file of its keeper')
    .requiredOption('--state <folder>', 'the state folder of its keeper')
    .requiredOption('--keeper <pid:start>', 'its keeper')
    .action(tend);
}

async function tend(flags: Flags): Promise<void> {
  outliveReaders();
  const keeper = parseIdentity(flags.keeper);
  const { surroundings, file, stateFolder } = await keeperPlace(flags);
  using journal = new KeeperJournal(stateFolder, 'janitor', monoMs);
  succeed(journal);
  const contact = new KeeperContact(keeper, isAlive, (ping) => writeMessage(process.stdout, { op: 'ping', ping }));
  const halt = new HaltFile(stateFolder);
  const janitor = new Janitor({
    journal,
    surroundings,
    file,
    contact,
    machineBoot: machineBootId(),
    revertMs: REVERT_MS,
    now: monoMs,
    isHalted: () => halt.isThere(),
    hasCommandInFlight: () => commandsInFlight(stateFolder, keeper.pid).length > 0,
    log: (text) => {
      process.stderr.write(`${new Date().toISOString()} janitor: ${text}\n`);
    },
  });
  // Only its own keeper's end, or a clear word, ends a janitor: it is what stands between a fault and an outage.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined);
  process.on('SIGTERM', () => {
    janitor.end();
  });
  void listen(janitor, contact).catch(() => undefined); // whatever the keeper says, journal and clock decide
  await janitor.run(new AbortController().signal);
  process.exit();
}

async function listen(janitor: Janitor, contact: KeeperContact): Promise<void> {
  for await (const message of readMessages(process.stdin, toJanitor)) {
    switch (message.op) {
      case 'renewed':
        janitor.renewed(message.epoch, message.atMs);
        break;
      case 'pong':
        contact.take(message);
        break;
      case 'watch':
        if (janitor.isWatching(message.key)) writeMessage(process.stdout, { op: 'watching', key: message.key });
    }
  }
}

/** Takes over from the janitor before it: each of two would undo what comes after the other's quarantine. */
function succeed(journal: KeeperJournal): void {
  const machineBoot = machineBootId();
  const predecessor = journal.state.janitor;
  const self = identityOf(process.pid);
  if (self) journal.note({ type: 'janitor.started', ...self, machineBoot });
  if (predecessor?.machineBoot === machineBoot && isAlive(predecessor)) process.kill(predecessor.pid, 'SIGKILL');
}

function parseIdentity(text: string): ProcessIdentity {
  const [, pid, startTicks] = /^(\d+):(\d+)$/.exec(text) ?? [];
  if (pid === undefined || startTicks === undefined) throw new AppError('BAD_FLAG', `"${text}" names no process`);
  return { pid: Number(pid), startTicks };
}
