// TCP behind the VIP: a hello first, then every heartbeat comes back.
import { createServer, type Server, type Socket } from 'node:net';
import { canonicalAddress } from '../core/addresses.ts';
import { Framer } from '../core/framing.ts';
import { MessageType, turnIntoEcho } from '../core/wire.ts';
import type { FlowTable } from './flow-table.ts';
import type { Greeting, OwnIdentity } from './own-identity.ts';
import { listenError } from './listen-error.ts';

/** Above Linux's default somaxconn: thousands of flows may be opened in one second. */
const BACKLOG = 4096;

/**
 * Listens and serves until the server is closed.
 * @param address null: every address of both families
 * @throws AppError PORT_TAKEN, NOT_PERMITTED, PREFLIGHT
 */
export async function serveTcp(own: OwnIdentity, table: FlowTable, at: { address: string | null; port: number }): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    serve(socket, own, table);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.address ?? '::', port: at.port, backlog: BACKLOG }, resolve);
  }).catch((cause: unknown) => {
    throw listenError('TCP', at, cause);
  });
  return server;
}

function serve(socket: Socket, own: OwnIdentity, table: FlowTable): void {
  const address = canonicalAddress(socket.remoteAddress ?? '');
  const port = socket.remotePort;
  if (address === null || port === undefined) {
    socket.destroy(); // gone before it was accepted
    return;
  }
  const entry = table.enter({ protocol: 'tcp', sourceAddress: address, sourcePort: port }, (why) => {
    // Node cannot reset a socket whose own end was sent.
    if (why === 'closing' || socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  });
  const framer = new Framer();
  let greeting: Greeting | null = null;
  socket.on('data', (chunk) => {
    const isOurs = framer.push(chunk, (message, header) => {
      switch (header.type) {
        case MessageType.hello:
          greeting = own.greet(message, header, { address, port });
          if (!greeting) {
            socket.destroy();
            return;
          }
          table.greeted(entry, greeting.hello);
          socket.write(greeting.answer);
          return;
        case MessageType.heartbeat:
          if (!greeting) {
            socket.destroy();
            return;
          }
          turnIntoEcho(message, { token: greeting.with.token, sourceHash: greeting.sourceHash });
          table.echoed(entry);
          // A client that does not read must not fill our memory.
          if (!socket.write(message)) socket.pause();
          return;
        case MessageType.answer:
        case MessageType.echo:
          socket.destroy();
      }
    });
    if (!isOurs) socket.destroy();
  });
  socket.on('drain', () => socket.resume());
  socket.on('error', () => undefined); // 'close' follows, and tells all that matters here
  socket.on('close', () => {
    table.leave(entry);
  });
}
