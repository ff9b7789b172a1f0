// Both ends of a keeper's link in one process, over a real TCP connection, with a Unix socket at either side as service and keeper have it.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monoMs } from '../../src/io/clock.ts';
import { acceptAnswer, answerHello, freshKey, type LinkSeals } from '../../src/io/link-keys.ts';
import { closeServer } from '../../src/io/listening.ts';
import { keyFingerprint, newSigningKeyPem, signingKey } from '../../src/io/order-signature.ts';
import { type LinkTimes, RelayLink } from '../../src/io/relay-link.ts';

/** Seals of both ends, agreed upon as they agree. */
export function someSeals(): { service: LinkSeals; keeper: LinkSeals } {
  const controller = signingKey(newSigningKeyPem());
  const own = freshKey();
  const { answer, seals } = answerHello({ keeper: 'k', key: own.publicText }, controller);
  return { service: seals, keeper: acceptAnswer(answer, { keeper: 'k', own, pinned: keyFingerprint(controller.publicPem) }) };
}

export type ALink = AsyncDisposable & {
  service: RelayLink;
  keeper: RelayLink;
  /** Between the two. */
  streams: { service: Socket; keeper: Socket };
  /** A connection to the service's Unix socket, as a runner makes one. */
  dial(): Socket;
};

/**
 * @param given `onKeeper`: the keeper behind its Unix socket; null: none listens there. `keeperNow`: the clock of the keeper's end
 */
export async function aLink(given: {
  onKeeper: ((socket: Socket) => void) | null;
  times?: LinkTimes;
  keeperNow?: () => number;
}): Promise<ALink> {
  const folder = mkdtempSync(join(tmpdir(), 'hf-link-'));
  const opened = new AsyncDisposableStack();
  opened.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const listen = async (onSocket: (socket: Socket) => void, where: string | { port: number; host: string }) => {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    await new Promise<void>((resolve) => {
      server.listen(where, () => {
        resolve();
      });
    });
    opened.defer(async () => {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
    });
    return server;
  };
  const accepted = Promise.withResolvers<Socket>();
  const between = await listen(accepted.resolve, { port: 0, host: '127.0.0.1' });
  const address = between.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const keeperStream = connect(address.port, '127.0.0.1');
  const serviceStream = await accepted.promise;
  const keeperSocket = join(folder, 'keeper.sock');
  if (given.onKeeper) await listen(given.onKeeper, keeperSocket);
  const seals = someSeals();
  const times = given.times ? { times: given.times } : {};
  const service = opened.use(
    new RelayLink({
      ...{ stream: serviceStream, seals: seals.service, dial: null, now: monoMs, ...times },
      farewell: (why) => `farewell: ${why}\n`,
    }),
  );
  const keeper = opened.use(
    new RelayLink({
      ...{ stream: keeperStream, seals: seals.keeper, farewell: null, now: given.keeperNow ?? monoMs, ...times },
      dial: () => connect(keeperSocket),
    }),
  );
  const door = join(folder, 'service.sock');
  await listen((socket) => {
    service.relay(socket);
  }, door);
  return {
    ...{ service, keeper, streams: { service: serviceStream, keeper: keeperStream } },
    dial: () => connect(door).on('error', () => undefined),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** All that a connection says until it ends. */
export async function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.once('close', () => {
    resolve(Buffer.concat(chunks));
  });
  return await promise;
}
