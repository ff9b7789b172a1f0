// A receiver of notifications on a real socket, which takes them, refuses them, or misbehaves as told.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Received = { path: string; headers: Record<string, string>; body: string; status: number | 'none' };

/** What the sink does with one request; a number is a status. */
export type Manner =
  | number
  /** Takes it and never answers. */
  | 'hang'
  /** Cuts the connection without an answer. */
  | 'reset'
  /** Says yes and then sends a body without an end. */
  | 'endless'
  /** Says no with a body of 64 MB. */
  | 'huge'
  /** Says no and drips its body, a byte at a time. */
  | 'drip'
  | { status: number; headers: Record<string, string>; body?: string };

export class HttpSink implements AsyncDisposable {
  /** In the order of their coming, with what they were told. */
  readonly received: Received[] = [];
  manner: (request: Received) => Manner = () => 204;
  connections = 0;
  readonly #server: Server;
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', () => (this.connections += 1));
    server.on('request', (request, response) => {
      void this.#answer(request, response);
    });
  }

  static async open(host = '127.0.0.1'): Promise<HttpSink> {
    const server = createServer();
    server.listen(0, host);
    await once(server, 'listening');
    return new HttpSink(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}/hook`;
  }

  /** Bodies of what was taken (answered with 2xx), parsed. */
  taken(): unknown[] {
    return this.received.filter(({ status }) => status !== 'none' && status < 300).map(({ body }) => JSON.parse(body) as unknown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    } catch {
      return; // the sender is gone
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const received: Received = { path: request.url ?? '', headers, body, status: 'none' };
    const manner = this.manner(received);
    if (typeof manner === 'number') received.status = manner;
    else if (typeof manner === 'object') received.status = manner.status;
    else if (manner === 'endless') received.status = 200;
    this.received.push(received);
    this.#behave(manner, response);
  }

  #behave(manner: Manner, response: ServerResponse): void {
    response.on('error', () => undefined);
    if (typeof manner === 'number') {
      response.writeHead(manner).end();
      return;
    }
    if (typeof manner === 'object') {
      response.writeHead(manner.status, manner.headers).end(manner.body ?? '');
      return;
    }
    switch (manner) {
      case 'hang':
        return;
      case 'reset':
        response.socket?.resetAndDestroy();
        return;
      case 'endless':
        response.writeHead(200);
        this.#repeat(() => response.write('x'.repeat(1_000)));
        return;
      case 'huge':
        response.writeHead(500).end('x'.repeat(64 * 1024 * 1024));
        return;
      case 'drip':
        response.writeHead(500);
        this.#repeat(() => response.write('x'));
        return;
    }
  }

  #repeat(act: () => void): void {
    this.#timers.add(setInterval(act, 20));
  }
}
