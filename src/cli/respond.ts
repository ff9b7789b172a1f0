// `holdfast respond`: the responder that stands behind a VIP.
import { fstatSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { canonicalAddress } from '../core/addresses.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';
import { MIN_SECRET_CHARACTERS } from '../core/references.ts';

const TELLING_EVERY_MS = 5_000;

type Options = {
  port: number;
  address?: string[];
  node: string;
  backend: string;
  keyFile: string[];
  reapAfter: number;
  maxFlows: number;
};

export function respondCommand(): Command {
  return new Command('respond')
    .description(
      'Answers probers over TCP and UDP, behind a VIP: says which node and backend this is and which source address it saw. ' +
        'Who does not hold the key learns nothing. Ends on SIGTERM, or with the process that started it when standard input is a pipe.',
    )
    .option('--port <number>', 'TCP and UDP port', portNumber, 7000)
    .option('--address <address>', 'listen on this address only (repeatable; default: all, those that come later too)', addresses)
    .addOption(new Option('--node <name>', 'name of this node').env('NODE_NAME').default(hostname(), 'the host name'))
    .addOption(new Option('--backend <name>', 'name of this responder among its like').env('POD_NAME').default(hostname(), 'the host name'))
    .requiredOption(
      '--key-file <path>',
      'file with the secret shared with the probers (repeatable, to change keys without a gap)',
      collected,
    )
    .addOption(
      new Option('--reap-after <duration>', 'drop flows silent this long, at least four of their heartbeats')
        .argParser(milliseconds)
        .default(10_000, '10s'),
    )
    .option('--max-flows <number>', 'serve at most so many flows', count, 50_000)
    .addHelpText(
      'after',
      '\nBehind a Kubernetes Service, NODE_NAME and POD_NAME come from the downward API (spec.nodeName and metadata.name).',
    )
    .action(respond);
}

async function respond(options: Options): Promise<void> {
  const { Responder } = await import('../responder/responder.ts');
  const { environmentKey, keyBytes } = await import('../io/environment-key.ts');
  const { monoMs } = await import('../io/clock.ts');
  const { writeMessage } = await import('../io/ndjson.ts');
  const say = (message: object) => writeMessage(process.stdout, message);
  const ending = Promise.withResolvers<undefined>();
  const end = () => {
    ending.resolve(undefined);
  };
  // Before the sockets open: a SIGTERM that comes early must still close them.
  process.once('SIGTERM', end);
  process.on('SIGINT', process.stdin.isTTY ? end : () => undefined);
  if (isPipe(0)) process.stdin.resume().once('end', end).once('error', end);
  await using responder = await Responder.listen({
    node: options.node,
    backend: options.backend,
    port: options.port,
    addresses: options.address ?? [],
    keys: options.keyFile.map((path) => environmentKey(keyBytes(readSecret(path)))),
    reapAfterMs: options.reapAfter,
    maxFlows: options.maxFlows,
    now: monoMs,
    onAddress: (address, trouble) => say(trouble === null ? { type: 'address', address } : { type: 'address', address, trouble }),
  });
  const { node, backend, boot } = responder.own;
  say({ type: 'ready', node, backend, boot, port: responder.port, udpAddresses: responder.addresses, pid: process.pid });
  const telling = tellCounts(() => responder.table.counts(), say);
  await ending.promise;
  clearInterval(telling);
  process.stdin.destroy(); // an open one would keep the process
}

/** The server's view, for whoever watches: a line whenever it changed, every few seconds at most. */
function tellCounts(counts: () => object, say: (message: object) => boolean): NodeJS.Timeout {
  let told = '';
  return setInterval(() => {
    const now = JSON.stringify(counts());
    if (now !== told) say({ type: 'serving', ...counts() });
    told = now;
  }, TELLING_EVERY_MS);
}

/** A pipe or socket closes when its other end's process goes; /dev/null, which a daemon gets, is at its end from the start. */
function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false; // closed by whoever started us
  }
}

function readSecret(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `the key file ${path} cannot be read: ${messageOf(cause)}`, {
      remedy: `make one, the same for responders and probers: head -c 32 /dev/urandom | base64 > ${path}`,
      cause,
    });
  }
  if (text.length >= MIN_SECRET_CHARACTERS) return text;
  throw new AppError(
    'BAD_INPUT',
    `the key in ${path} is ${String(text.length)} characters long; it must have at least ${String(MIN_SECRET_CHARACTERS)}`,
    {
      remedy: `make one, the same for responders and probers: head -c 32 /dev/urandom | base64 > ${path}`,
    },
  );
}

function collected(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function addresses(value: string, before: string[] | undefined): string[] {
  const address = canonicalAddress(value);
  if (address === null) throw new InvalidArgumentError('expected an IPv4 or IPv6 address');
  return [...(before ?? []), address];
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('expected a port from 1 to 65535, or 0 for a free one');
  return port;
}

function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number from 1 on');
  return number;
}

function milliseconds(value: string): number {
  const ms = parseDurationMs(value);
  if (ms === null || ms < 1_000) throw new InvalidArgumentError('expected a duration from 1s on, such as 10s');
  return ms;
}
