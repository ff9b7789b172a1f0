// Unix sockets as doors: one owner at a time, nobody else may open them, and what a killed owner left is replaced.
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { AppError, messageOf } from '../core/errors.ts';

/** The most bytes that the path of a Unix socket may have: sun_path of unix(7), without its closing zero. */
export const SOCKET_PATH_BYTES = 107;

/**
 * Listens on the Unix socket `path` (0600). A socket that a killed process left there is replaced.
 * @throws AppError PORT_TAKEN when somebody listens there, or something else lies there; BAD_FLAG for too long a path
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES) {
    throw new AppError('BAD_FLAG', `the path of the socket ${path} is longer than the kernel allows`, { remedy: 'name a shorter one' });
  }
  await removeDeadSocket(path);
  const before = process.umask(0o177); // between bind and chmod nobody else may connect either
  const listening = listen(server, path);
  process.umask(before);
  await listening.catch((cause: unknown) => {
    throw new AppError('PORT_TAKEN', `cannot listen on ${path}: ${messageOf(cause)}`, { remedy: 'name another socket', cause });
  });
  chmodSync(path, 0o600);
}

/** Closes a server and waits for its connections to end. */
export async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  await promise;
}

async function removeDeadSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new AppError('PORT_TAKEN', `${path} is there and is no socket`, { remedy: 'name another socket' });
  if (await isAnswered(path)) throw new AppError('PORT_TAKEN', `another process listens on ${path}`, { remedy: 'name another socket' });
  rmSync(path, { force: true });
}

async function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => {
    resolve(true);
  });
  socket.once('error', () => {
    resolve(false);
  });
  return await promise.finally(() => socket.destroy());
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen(path, () => {
    resolve(undefined);
  });
  await promise;
  server.off('error', reject);
}
