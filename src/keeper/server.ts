// The keeper's door: a Unix socket that only its owner may open, one answer a request.
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { AppError, messageOf } from '../core/errors.ts';
import { type FromKeeper, type ToKeeper, toKeeper } from '../core/keeper-messages.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import type { Keeper } from './keeper.ts';

/**
 * Makes sure that no other keeper works on `stateFolder`, for as long as this process lives: a name in the abstract socket
 * namespace (unix(7)), which the kernel frees with the process, however it ends.
 * @throws AppError KEEPER_BUSY
 */
export async function lockStateFolder(stateFolder: string): Promise<AsyncDisposable> {
  const { dev, ino } = statSync(stateFolder);
  const server = createServer((socket) => socket.destroy());
  await listen(server, `\0holdfast-keeper-${String(dev)}-${String(ino)}`).catch((cause: unknown) => {
    throw new AppError('KEEPER_BUSY', `another keeper works on ${stateFolder}`, {
      remedy: 'use that one, or end it first: holdfast keeper status tells its faults',
      cause,
    });
  });
  return { [Symbol.asyncDispose]: () => close(server) };
}

/**
 * Answers requests for `keeper` on the Unix socket `path` (0600).
 * @throws AppError PORT_TAKEN when somebody listens there, or something else lies there
 */
export async function serveKeeper(keeper: Keeper, path: string, stateFolder: string): Promise<AsyncDisposable> {
  await removeDeadSocket(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void converse(keeper, socket, stateFolder);
  });
  const before = process.umask(0o177); // between bind and chmod nobody else may connect either
  const listening = listen(server, path);
  process.umask(before);
  await listening.catch((cause: unknown) => {
    throw new AppError('PORT_TAKEN', `the keeper cannot listen on ${path}: ${messageOf(cause)}`, {
      remedy: 'name another --socket',
      cause,
    });
  });
  chmodSync(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

async function converse(keeper: Keeper, socket: Socket, stateFolder: string): Promise<void> {
  socket.on('error', () => undefined); // its close tells
  const say = (message: FromKeeper) => {
    writeMessage(socket, message);
  };
  try {
    for await (const request of readMessages(socket, toKeeper)) {
      // Not awaited: a renewal must not stand behind an injection that takes seconds.
      void answer(keeper, request, { say, stateFolder }).then(say);
    }
  } catch (error) {
    say({ id: 0, ok: false, ...refusal(error) });
    socket.end();
  }
}

type Line = { say: (message: FromKeeper) => void; stateFolder: string };

async function answer(keeper: Keeper, request: ToKeeper, { say, stateFolder }: Line): Promise<FromKeeper> {
  const { id } = request;
  const audience = (event: Extract<FromKeeper, { event: unknown }>['event']) => {
    say({ event });
  };
  try {
    switch (request.op) {
      case 'acquire':
        return { id, ok: true, stateFolder, ...(await keeper.acquire(request.runId, request.t0MonoMs, audience)) };
      case 'plan':
        return { id, ok: true, steps: await keeper.plan(request.epoch, request.faults) };
      case 'inject':
        await keeper.inject(request.epoch, request.fault);
        return { id, ok: true };
      case 'renew':
        keeper.renew(request.epoch, audience);
        return { id, ok: true };
      case 'revert':
        await keeper.revert(request.epoch, request.fault, request.reason);
        return { id, ok: true };
      case 'release':
        await keeper.release(request.epoch);
        return { id, ok: true };
      case 'halt':
        await keeper.halt();
        return { id, ok: true, status: keeper.status() };
      case 'status':
        return { id, ok: true, status: keeper.status() };
    }
  } catch (error) {
    return { id, ok: false, ...refusal(error) };
  }
}

function refusal(error: unknown): { code: string; message: string; remedy?: string } {
  if (!(error instanceof AppError)) return { code: 'PROTOCOL', message: messageOf(error) };
  return { code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
}

async function removeDeadSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new AppError('PORT_TAKEN', `${path} is there and is no socket`, { remedy: 'name another --socket' });
  if (await isAnswered(path)) throw new AppError('PORT_TAKEN', `another process listens on ${path}`, { remedy: 'name another --socket' });
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

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  await promise;
}
