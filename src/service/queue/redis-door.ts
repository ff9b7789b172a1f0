// How agents in a lab reach a Redis of one's own: its address lies outside their network namespaces, a Unix socket does not.
import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AppError } from '../../core/errors.ts';
import { forwardSocket } from '../../io/forwarded-socket.ts';

const DEFAULT_PORT = 6379;

/**
 * Opens the socket `path` to the Redis at `url` (redis:// or rediss://; TLS is spoken here, so that its certificate is checked by name).
 * @returns `place`: the socket as an agent file says it, with the URL's user, password and database
 */
export async function openRedisDoor(url: string, path: string): Promise<{ place: string } & AsyncDisposable> {
  const { protocol, hostname, port, username, password, pathname } = parse(url);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT), allowHalfOpen: true };
  const dial =
    protocol === 'rediss:'
      ? () => connectTls({ ...address, servername: isIP(address.host) === 0 ? address.host : '' })
      : () => connectPlain(address);
  const door = await forwardSocket(path, dial);
  const place = new URL(`unix://localhost${path}`);
  place.username = username;
  place.password = password;
  const database = pathname.slice(1);
  if (database !== '') place.searchParams.set('db', database);
  return { place: place.href, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() };
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== '') return url;
  // Never repeated: it may hold a password.
  throw new AppError('BAD_INPUT', 'the URL of Redis is none', { remedy: 'write it as redis://HOST:PORT/0, or rediss:// with TLS' });
}
