// The doors of the API: one application behind any number of servers, on host:port or on a Unix socket.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AppError, messageOf } from '../../core/errors.ts';
import { LINK_PROTOCOL } from '../../core/keeper-link.ts';
import { closeServer, listenOnSocket } from '../../io/listening.ts';
import { LIMITS, type Limits } from './limits.ts';

/** `tls`: paths of PEM files. */
export type Door = { host: string; port: number; tls?: { cert: string; key: string } } | { path: string };
export type Listening = AsyncDisposable & { /** What the kernel gave when port 0 was asked for; 0 for a Unix socket. */ port: number };

/** What is under way may end; event streams would not. */
const GRACE_MS = 1_000;
/** Answers to what is no HTTP request at all, before any of our code sees it. */
const REFUSALS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/**
 * Lets an application be reached; Fastify itself listens once only. Dispose of it before the application is closed.
 * @throws AppError PORT_TAKEN, FILE_UNREADABLE
 */
export async function listenOn(app: FastifyInstance, door: Door, limits: Limits = LIMITS): Promise<Listening> {
  await app.ready();
  const server = serverOf(app, door, limits);
  const endUpgraded = takeUpgrades(server, app);
  if ('path' in door) await listenOnSocket(server, door.path);
  else await listenOnPort(server, door);
  return {
    port: 'path' in door ? 0 : (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = closeServer(server); // takes no new connection, ends idle ones
      const timer = setTimeout(() => {
        server.closeAllConnections();
        endUpgraded();
      }, GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function serverOf(app: FastifyInstance, door: Door, limits: Limits): Server {
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    // Any other upgrade (h2c, as some clients try it) is an ordinary request to us.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade === LINK_PROTOCOL,
  };
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    app.routing(request, response);
  };
  const server =
    'tls' in door
      ? createTlsServer({ ...options, cert: pem(door.tls.cert), key: pem(door.tls.key), minVersion: 'TLSv1.2' }, handle)
      : createServer(options, handle);
  server.maxRequestsPerSocket = limits.requestsPerSocket;
  server.maxConnections = limits.connections;
  server.maxHeadersCount = limits.headers;
  // Without a listener for its `timeout` the server destroys the socket.
  server.setTimeout(limits.silenceMs);
  server.on('clientError', refuse);
  return server;
}

/**
 * Has requests for an upgrade pass the same gate and find the same routes as any other. The route that grants one takes the connection;
 * one that is refused is answered, and its connection ends.
 * @returns ends what was granted: the server itself no longer knows of it
 */
function takeUpgrades(server: Server, app: FastifyInstance): () => void {
  const sockets = new Set<Socket>();
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // its close tells
    if (head.length > 0) socket.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    app.routing(request, response);
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const line = REFUSALS[error.code ?? ''] ?? '400 Bad Request';
  const body = JSON.stringify({
    ...{ type: 'urn:holdfast:problem:bad_input', title: line.slice(4), status: Number(line.slice(0, 3)), code: 'BAD_INPUT' },
    detail: 'this is no HTTP request that can be answered: it is malformed, too large or too slow',
  });
  const head = `HTTP/1.1 ${line}\r\ncontent-type: application/problem+json\r\ncontent-length: ${String(body.length)}\r\nconnection: close`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

async function listenOnPort(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen({ host, port }, () => {
    resolve(undefined);
  });
  await promise.catch((cause: unknown) => {
    throw new AppError('PORT_TAKEN', `the service cannot listen on ${host} port ${String(port)}: ${messageOf(cause)}`, {
      remedy: 'name another one with listen in serve.yaml',
      cause,
    });
  });
  server.off('error', reject);
}

function pem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `the file ${path} for TLS cannot be read: ${messageOf(cause)}`, { cause });
  }
}
