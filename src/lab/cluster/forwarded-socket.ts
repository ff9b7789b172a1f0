// A Unix socket in the lab's folder that leads to the API server: it can be reached where the lab's addresses cannot.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Forwards each connection to `port` on this process's own loopback, byte for byte; TLS goes through.
 * Only the folder's owner may connect. Disposing ends every connection.
 */
export async function forwardSocket(path: string, port: number): Promise<AsyncDisposable> {
  const living = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
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
        // A side that is closed for both directions can take nothing more.
        if (!one.readableEnded) other.destroy();
      });
      one.pipe(other);
    }
  });
  rmSync(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of living) socket.destroy();
      await once(server, 'close').catch(() => undefined);
    },
  };
}
