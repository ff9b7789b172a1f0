// A receiver of webhooks on loopback that verifies signatures with the Standard Webhooks library itself.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Notification } from '../../src/core/notification.ts';

export type Received = { id: string; atMs: number; notification: Notification };

/** `received` grows; a call with a wrong signature is answered 401 and counted in `forged`. */
export async function aSink(secret: string): Promise<{ url: string; received: Received[]; forged: () => number } & AsyncDisposable> {
  const received: Received[] = [];
  let forged = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8');
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      try {
        const notification = new Webhook(secret).verify(body, headers) as Notification;
        received.push({ id: headers['webhook-id'] ?? '', atMs: Date.now(), notification });
        response.writeHead(204).end();
      } catch {
        forged += 1;
        response.writeHead(401).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hook`,
    received,
    forged: () => forged,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
