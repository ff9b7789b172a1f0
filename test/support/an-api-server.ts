// A server that speaks as much of a Kubernetes API as our client asks for, over TLS, and misbehaves as a test wants it to.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../../src/core/environment.ts';
import type { KubeObject } from '../../src/cluster/kube-client.ts';
import { aCertificate } from './a-certificate.ts';

type Change = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; version: number; object: KubeObject };
export type Asked = { method: string; path: string; query: URLSearchParams; body: unknown; authorization: string };
/** Answers a request in place of the server when it returns true. */
export type Interlude = (asked: Asked, response: ServerResponse) => boolean;

export class AnApiServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** What the server does instead of its work; may be changed at any time. */
  interlude: Interlude = () => false;
  /** Groups that it says it serves besides the core one. */
  groups: { name: string; versions: { version: string }[] }[] = [];
  readonly #objects = new Map<string, KubeObject>();
  #history: Change[] = [];
  #version = 100;
  #oldest = 100;
  readonly #watchers = new Set<{ response: ServerResponse; tell(change: Change): void }>();
  readonly #sockets = new Set<Socket>();
  readonly #certificate = aCertificate();
  #server: Server | null = null;
  #port = 0;
  readonly folder: string;
  /** A Unix socket to listen on instead of a port. */
  readonly #path: string | null;

  private constructor(folder: string, path: string | null) {
    this.folder = folder;
    this.#path = path;
  }

  static async start(options: { path?: string } = {}): Promise<AnApiServer> {
    const server = new AnApiServer(await mkdtemp(join(tmpdir(), 'holdfast-api-')), options.path ?? null);
    await server.comeUp();
    await server.writeKubeconfig();
    return server;
  }

  get cluster(): Cluster {
    return { kubeconfig: join(this.folder, 'kubeconfig'), context: null, socket: this.#path, metallbNamespace: 'metallb-system' };
  }

  /** All pods that there are, as `name@version`. */
  get state(): string[] {
    return [...this.#objects.values()].map(nameAndVersion).toSorted();
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  async writeKubeconfig(changes: { token?: string; server?: string; text?: string; ca?: string } = {}): Promise<void> {
    const ca = Buffer.from(changes.ca ?? this.#certificate.cert).toString('base64');
    const where = changes.server ?? `https://127.0.0.1:${String(this.#port || 6443)}`;
    const text = `apiVersion: v1
kind: Config
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: "${where}", certificate-authority-data: ${ca} } }]
users: [{ name: u, user: { token: ${changes.token ?? 'secret'} } }]
`;
    await writeFile(join(this.folder, 'kubeconfig'), changes.text ?? text);
  }

  async comeUp(): Promise<void> {
    const server = createServer({ ...this.#certificate, keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#serve(request, response);
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket)).on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => {
      if (this.#path === null) server.listen(this.#port, '127.0.0.1', resolve);
      else server.listen(this.#path, resolve);
    });
    if (this.#path === null) this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** As killed: every connection is reset, and nobody listens. */
  async goDown(): Promise<void> {
    const ended = new Promise((resolve) => this.#server?.close(resolve));
    this.cutAll();
    await ended;
    this.#server = null;
  }

  /** Ends every connection in the middle of what it says. */
  cutAll(): void {
    for (const socket of this.#sockets) {
      if (this.#path === null) socket.resetAndDestroy();
      else socket.destroy(); // a Unix socket knows no reset
    }
    this.#watchers.clear();
  }

  /** Writes half of a watch's line, and resets the connection. */
  tear(): void {
    for (const { response } of this.#watchers) response.write('{"type":"ADDED","object":{"metadata":{"na');
    this.#watchers.clear(); // what happens meanwhile is not told on these
    setImmediate(() => {
      this.cutAll();
    });
  }

  /** A line of one's own on every watch. */
  say(line: string): void {
    for (const { response } of this.#watchers) response.write(`${line}\n`);
  }

  /** Ends every watch as its time limit does. */
  endWatches(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  /** Forgets every change so far, as etcd's compaction does. */
  compact(): void {
    this.#oldest = this.#version;
    this.#history = [];
  }

  bookmark(): void {
    this.#version += 1;
    this.say(JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: String(this.#version) } } }));
  }

  put(name: string, fields: Record<string, unknown> = {}): KubeObject {
    const before = this.#objects.get(name);
    this.#version += 1;
    const uid = before?.metadata.uid ?? `uid-${name}-${String(this.#version)}`;
    const object = { ...fields, metadata: { name, namespace: 'default', uid, resourceVersion: String(this.#version) } };
    this.#objects.set(name, object);
    this.#tell({ type: before ? 'MODIFIED' : 'ADDED', version: this.#version, object });
    return object;
  }

  drop(name: string): void {
    const object = this.#objects.get(name);
    if (!object) return;
    this.#version += 1;
    this.#objects.delete(name);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#tell({ type: 'DELETED', version: this.#version, object: last });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server) await this.goDown();
    await rm(this.folder, { recursive: true });
  }

  #tell(change: Change): void {
    this.#history.push(change);
    for (const watcher of this.#watchers) watcher.tell(change);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    const url = new URL(request.url ?? '', 'https://here');
    const asked: Asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: body === '' ? null : JSON.parse(body),
      authorization: request.headers.authorization ?? '',
    };
    this.asked.push(asked);
    if (this.interlude(asked, response)) return;
    if (url.pathname === '/version') answer(response, 200, { major: '1' });
    else if (url.pathname === '/apis') answer(response, 200, { kind: 'APIGroupList', groups: this.groups });
    else if (url.pathname.startsWith('/api/v1/namespaces/default/pods/'))
      answer(response, 404, notFound('pods', url.pathname.split('/')[6] ?? '')); // it serves lists alone
    else if (url.pathname !== '/api/v1/pods') answer(response, 404, '404 page not found');
    else if (asked.query.has('watch')) this.#watch(asked, response);
    else this.#list(asked, response);
  }

  #list({ query }: Asked, response: ServerResponse): void {
    const all = [...this.#objects.values()];
    const from = Number(query.get('continue') ?? 0);
    const until = from + Number(query.get('limit') ?? Infinity);
    const more = until < all.length ? { continue: String(until) } : {};
    answer(response, 200, {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(this.#version), ...more },
      items: all.slice(from, until),
    });
  }

  #watch({ query }: Asked, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: aStatus(410, 'too old resource version') })}\n`);
      return;
    }
    const watcher = {
      response,
      tell: ({ type, object }: Change) => response.write(`${JSON.stringify({ type, object: { kind: 'Pod', ...object } })}\n`),
    };
    for (const change of this.#history) if (change.version > from) watcher.tell(change);
    this.#watchers.add(watcher);
    response.once('close', () => this.#watchers.delete(watcher));
  }
}

export function aStatus(code: number, message: string, more: object = {}): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message, ...more };
}

/** What an API server says of an object that is not there. */
export function notFound(plural: string, name: string): object {
  return aStatus(404, `${plural} "${name}" not found`, { reason: 'NotFound', details: { name, kind: plural } });
}

export function answer(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): true {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
  return true;
}

export function nameAndVersion({ metadata }: KubeObject): string {
  return `${metadata.name}@${metadata.resourceVersion ?? ''}`;
}
