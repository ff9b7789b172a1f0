// `holdfast keeper-link`: lets a service on another machine ask the keeper of this one.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import type { KeeperJoin } from '../core/keeper-join.ts';
import { machineBootId, monoMs } from '../io/clock.ts';
import { diskError } from '../io/disk-error.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { readPem } from './agent.ts';
import { keeperDoor, loadKeeperFile, type PlaceFlags } from './keeper-place.ts';
import { outliveReaders } from './process-family.ts';
import { resolveSecret } from './resolve-secret.ts';
import { programVersion } from './version.ts';

type Flags = PlaceFlags & { file: string; check?: true };

const CHECK_MS = 10_000;

export function keeperLinkCommand(): Command {
  return new Command('keeper-link')
    .description(
      'Joins the service that the keeper’s own file names, by one outgoing connection, and passes on what it asks. ' +
        'The keeper decides; when the link is gone, it reverts what nobody renews.',
    )
    .option('--file <file>', 'the keeper’s own file, with its join block', 'keeper.yaml')
    .option('--env <file>', 'an environment that names the keeper’s socket')
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--state <folder>', 'the keeper’s state folder')
    .option('--socket <path>', 'where the keeper listens')
    .option('--check', 'join for a moment, and tell whether service and keeper answer')
    .action(link);
}

async function link(flags: Flags): Promise<void> {
  const { socket, stateFolder } = keeperDoor(flags);
  const join = joinOf(flags.file);
  const { openKeeperLink, runKeeperLink } = await import('../agent/keeper-link.ts');
  const options = {
    ...{ join, socket: resolve(socket), machineBoot: machineBootId(), version: programVersion(), now: monoMs, random: Math.random, log },
    ca: readPem(flags.file, join.ca),
  };
  if (flags.check) {
    using opened = await openKeeperLink(options, AbortSignal.timeout(CHECK_MS));
    await opened.ready;
    const { connectKeeper } = await import('../runner/keeper-client.ts');
    using client = await connectKeeper(options.socket, { timeoutMs: 0, signal: AbortSignal.timeout(CHECK_MS) });
    const { armed } = await client.status(CHECK_MS);
    process.stdout.write(`service  ok: ${join.service} is the trusted one, and takes this keeper as ${join.name}\n`);
    process.stdout.write(`keeper   ok: it answers at ${options.socket}, and is ${armed ? 'armed' : 'disarmed'}\n`);
    return;
  }
  outliveReaders();
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      stop.abort();
    });
  }
  using _lock = lockState(stateFolder);
  await runKeeperLink(options, stop.signal);
}

/** Two links of one keeper would take the service from each other for ever. */
function lockState(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(folder, cause);
  }
  const taken = (cause: unknown) =>
    new AppError('CONFLICT', `another link of this keeper is at work (${folder})`, { remedy: 'end it first', cause });
  return lockFolder(folder, 'keeper-link', taken);
}

function joinOf(path: string): KeeperJoin {
  const { join } = loadKeeperFile(path);
  if (join) return { ...join, token: resolveSecret(join.token, { file: path, variables: process.env }) };
  throw new AppError('BAD_INPUT', `${path} names no service to join`, {
    remedy: 'add join: { name, service, token, controllerKey }; deploy/keeper.example.yaml shows one',
  });
}

function log(text: string): void {
  process.stderr.write(`${new Date().toISOString()} keeper-link: ${text}\n`);
}
