// What stands beside a keeper and lets a service on another machine ask it: one outgoing connection, over which bytes go to the keeper's
// own socket. It knows nothing of faults and decides nothing; when it is gone, the keeper's lease ends as it does for any lost run.
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { problem } from '../core/api.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { KeeperJoin } from '../core/keeper-join.ts';
import { ANSWER_HEADER, HELLO_HEADER, LINK_PATH, LINK_PROTOCOL, LINK_SCHEMA, linkAnswer, type LinkHello } from '../core/keeper-link.ts';
import { acceptAnswer, freshKey } from '../io/link-keys.ts';
import { LINK_TIMES, type LinkTimes, RelayLink } from '../io/relay-link.ts';
import { isAborted, pause } from './waiting.ts';

export type KeeperLinkOptions = {
  /** The token in place of its reference. */
  join: KeeperJoin;
  /** PEM of the authority that the file names; null where it names none. */
  ca: string | null;
  /** The keeper's Unix socket. */
  socket: string;
  /** Boot id of this machine. */
  machineBoot: string;
  version: string;
  /** Monotonic, ms. */
  now: () => number;
  /** From 0 to 1: no two keepers should come back in step. */
  random: () => number;
  log: (line: string) => void;
  times?: LinkTimes;
  backOff?: { firstMs: number; mostMs: number };
};

const ANSWER_MS = 10_000;
const BACK_OFF = { firstMs: 500, mostMs: 15_000 };
/** Of a refusal. */
const MAX_ANSWER_BYTES = 16 << 10;

/**
 * Keeps a link to the service until the signal aborts. One that breaks, or is refused, is tried again: also with a service that is not the
 * trusted one, since that may be somebody in between who goes away; nothing is relayed for it meanwhile.
 */
export async function runKeeperLink(options: KeeperLinkOptions, signal: AbortSignal): Promise<void> {
  const { join, log, now, random, backOff = BACK_OFF } = options;
  let trouble = '';
  let waitMs = backOff.firstMs;
  while (!signal.aborted) {
    try {
      const link = await openKeeperLink(options, signal);
      const sinceMs = now();
      log(`joined ${join.service} as ${join.name}`);
      const end = () => {
        link.end('the link was told to end');
      };
      signal.addEventListener('abort', end, { once: true });
      trouble = await link.closed;
      signal.removeEventListener('abort', end);
      if (isAborted(signal)) return;
      log(`the link is over: ${trouble}; the keeper reverts what nobody renews`);
      if (now() - sinceMs > backOff.mostMs) waitMs = backOff.firstMs;
    } catch (error) {
      if (isAborted(signal)) return;
      const told = error instanceof AppError && error.remedy !== undefined ? `${error.message} (${error.remedy})` : messageOf(error);
      if (told !== trouble) log(`not joined yet: ${told}`);
      trouble = told;
    }
    await pause(waitMs * (0.5 + random()), signal);
    waitMs = Math.min(waitMs * 2, backOff.mostMs);
  }
}

/**
 * One link, proven to lead to the trusted service.
 * @throws AppError SERVICE_UNREACHABLE, SERVICE_REFUSED with what the service said, FORBIDDEN when it is not the trusted one
 */
export async function openKeeperLink(options: KeeperLinkOptions, signal: AbortSignal): Promise<RelayLink> {
  const { join, socket, now, times = LINK_TIMES } = options;
  const own = freshKey();
  const { stream, answer } = await upgrade(options, own.publicText, signal);
  try {
    const seals = acceptAnswer(answer, { keeper: join.name, own, pinned: join.controllerKey });
    stream.setTimeout(0);
    return new RelayLink({ stream, seals, dial: () => connect(socket), farewell: null, now, times });
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

type Upgraded = { stream: Socket; answer: ReturnType<typeof linkAnswer.parse> };

async function upgrade(options: KeeperLinkOptions, key: string, signal: AbortSignal): Promise<Upgraded> {
  const { join, ca, socket, machineBoot, version } = options;
  const isSocket = join.service.startsWith('unix:');
  const url = new URL(isSocket ? 'http://localhost' : join.service);
  const hello: LinkHello = { schema: LINK_SCHEMA, keeper: join.name, key, boot: machineBoot, place: socket, version };
  const { promise, resolve, reject } = Promise.withResolvers<Upgraded>();
  const asked = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    ...(isSocket ? { socketPath: join.service.slice('unix:'.length) } : {}),
    ...(ca === null ? {} : { ca }),
    path: `${url.pathname.replace(/\/+$/, '')}${LINK_PATH}`,
    headers: {
      authorization: `Bearer ${join.token}`,
      connection: 'Upgrade',
      upgrade: LINK_PROTOCOL,
      [HELLO_HEADER]: Buffer.from(JSON.stringify(hello)).toString('base64url'),
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  asked.once('upgrade', (response: IncomingMessage, stream: Socket, head: Buffer) => {
    stream.on('error', () => undefined); // its close tells
    const told = response.headers[ANSWER_HEADER];
    const answer = linkAnswer.safeParse(jsonOf(Buffer.from(typeof told === 'string' ? told : '', 'base64url').toString('utf8')));
    if (answer.success) {
      if (head.length > 0) stream.unshift(head);
      resolve({ stream, answer: answer.data });
      return;
    }
    stream.destroy();
    reject(refused(join.service, 'it does not say who it is'));
  });
  asked.once('response', (response) => {
    void bounded(response).then((text) => {
      const { data } = problem.safeParse(jsonOf(text));
      const said = data ? data.detail : `${String(response.statusCode)} ${text.slice(0, 200)}`.trim();
      reject(refused(join.service, said, data?.remedy));
    }, reject);
  });
  asked.once('error', (cause) => {
    const away = () =>
      new AppError('SERVICE_UNREACHABLE', `the service at ${join.service} does not answer: ${messageOf(cause)}`, { cause });
    reject(signal.aborted ? cause : away());
  });
  asked.end();
  return await promise;
}

async function bounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) break; // leaving the loop destroys it
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(service: string, said: string, remedy?: string): AppError {
  // Whoever answered may be anybody, and this goes into a log.
  const onOneLine = (text: string) => text.replace(/\p{C}+/gu, ' ').slice(0, 500);
  return new AppError(
    'SERVICE_REFUSED',
    `the service at ${service} does not let this keeper join: ${onOneLine(said)}`,
    remedy === undefined ? {} : { remedy: onOneLine(remedy) },
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
