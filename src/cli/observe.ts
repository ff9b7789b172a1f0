// `holdfast observe`: started by the service; tells what the observers of an environment see, on standard output, until standard input closes.
//
// A process of its own, because a lab of an ordinary user can only be read inside its namespaces. `t` is the machine's monotonic clock.
import { Command } from 'commander';
import type { JournalEvent } from '../core/journal.ts';
import { monoMs } from '../io/clock.ts';
import { writeMessage } from '../io/ndjson.ts';
import { loadEnvironment } from './load-files.ts';
import { openObservers } from './open-observers.ts';
import { readersOf, resolveEnvironment } from './run-environment.ts';

type Flags = { env: string; prefix: string };

export function observeCommand(): Command {
  return new Command('observe')
    .requiredOption('--env <file>', 'the environment to observe')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .action(observe);
}

async function observe({ env, prefix }: Flags): Promise<void> {
  const { value, name } = loadEnvironment(env);
  const { resolved: environment } = await resolveEnvironment(value, { name, prefix, purpose: 'use' });
  // A Ctrl-C is for the service, which closes standard input when it is done.
  process.on('SIGINT', () => undefined);
  const ending = Promise.withResolvers<undefined>();
  const end = () => {
    ending.resolve(undefined);
  };
  process.once('SIGTERM', end);
  process.stdin.once('close', end).once('end', end).resume();
  // A service that was killed reads no more; its closed standard input is what ends this.
  process.stdout.on('error', end);
  let seq = 0;
  await using _ = await openObservers({ environment, routers: readersOf(environment) }, monoMs, (event) => {
    const numbered: JournalEvent = Object.assign({ t: event.t, from: event.from, seq }, event, { seq });
    seq += 1;
    writeMessage(process.stdout, numbered);
  });
  await ending.promise;
  process.stdin.destroy(); // an open one would keep the process
}
