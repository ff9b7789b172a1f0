// A Unix socket that leads elsewhere: what an address of another network namespace, or of the machine, cannot be reached by.
import { createServer, type Socket } from 'node:net';
import { closeServer, listenOnSocket } from './listening.ts';

/**
 * Forwards each connection to `path` (0600) to one that `dial` makes, byte for byte. Disposing ends every connection.
 * @throws AppError PORT_TAKEN, BAD_FLAG for too long a path
 */
export async function forwardSocket(path: string, dial: () => Socket): Promise<AsyncDisposable> {
  const living = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = dial();
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      living.add(one);
      one.setNoDelay(true);
      one.on('error', () => {
        other.destroy(); // told by its end at the other side
      });
      one.on('close', () => {
        living.delete(one);
        // Whole: the other side gets what is still on its way. Cut off: there is nothing more to take.
        if (!one.readableEnded) other.destroy();
      });
      one.pipe(other);
    }
  });
  await listenOnSocket(server, path);
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = closeServer(server);
      for (const socket of living) socket.destroy();
      await closed;
    },
  };
}
