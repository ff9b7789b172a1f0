// The keeper's door: a Unix socket that only its owner may open, one answer a request.
import { createServer, type Socket } from 'node:net';
import { AppError, messageOf } from '../core/errors.ts';
import { type FromKeeper, type ToKeeper, toKeeper } from '../core/keeper-messages.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { closeServer, listenOnSocket } from '../io/listening.ts';
import { readMessages, writeMessage } from '../io/ndjson.ts';
import type { Keeper } from './keeper.ts';

/** Makes sure that no other keeper works on `stateFolder`, for as long as this process lives. @throws AppError KEEPER_BUSY */
export function lockStateFolder(stateFolder: string): Disposable {
  return lockFolder(
    stateFolder,
    'keeper',
    (cause) =>
      new AppError('KEEPER_BUSY', `another keeper works on ${stateFolder}`, {
        remedy: 'use that one, or end it first: holdfast keeper status tells its faults',
        cause,
      }),
  );
}

/**
 * Answers requests for `keeper` on the Unix socket `path` (0600).
 * @throws AppError PORT_TAKEN when somebody listens there, or something else lies there
 */
export async function serveKeeper(keeper: Keeper, path: string, stateFolder: string): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void converse(keeper, socket, stateFolder);
  });
  await listenOnSocket(server, path);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
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
      case 'words':
        return { id, ok: true, events: keeper.words(request.runId) };
      case 'clock':
        return { id, ok: true, clock: keeper.clock() };
    }
  } catch (error) {
    return { id, ok: false, ...refusal(error) };
  }
}

function refusal(error: unknown): { code: string; message: string; remedy?: string } {
  if (!(error instanceof AppError)) return { code: 'PROTOCOL', message: messageOf(error) };
  return { code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
}
