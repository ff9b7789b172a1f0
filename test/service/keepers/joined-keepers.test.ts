// Keepers that join over HTTP: a real door, a real keeper, and whatever may go wrong between the two.
import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keeperResource, listOf } from '../../../src/core/api.ts';
import { HELLO_HEADER, LINK_PATH, LINK_PROTOCOL } from '../../../src/core/keeper-link.ts';
import { type KeeperLinkOptions, openKeeperLink, runKeeperLink } from '../../../src/agent/keeper-link.ts';
import { machineBootId, monoMs } from '../../../src/io/clock.ts';
import { freshKey } from '../../../src/io/link-keys.ts';
import { closeServer } from '../../../src/io/listening.ts';
import { keyFingerprint, newSigningKeyPem, signingKey } from '../../../src/io/order-signature.ts';
import { serveKeeper } from '../../../src/keeper/server.ts';
import { connectKeeper } from '../../../src/runner/keeper-client.ts';
import { revokeToken } from '../../../src/service/api/tokens.ts';
import type { Catalogue } from '../../../src/service/parts.ts';
import { eventually } from '../../support/eventually.ts';
import { aFault, KeeperBench } from '../../support/keeper-bench.ts';
import { type AnApi, anApi, anEnvironment, CONTROLLER, NOW_MS } from '../api/an-api.ts';

// A busy machine is no dead one.
const TIMES = { beatMs: 100, deadMs: 3_000 };
const NAME = 'rack-7';
const signal = () => AbortSignal.timeout(10_000);

type Bench = AsyncDisposable & {
  api: AnApi;
  keeper: KeeperBench;
  /** Where runners reach the keeper on the service's machine. */
  socket: string;
  options: KeeperLinkOptions;
  logged: string[];
  keepers(): Promise<ReturnType<typeof keeperResource.parse>[]>;
};

async function aBench(file: Record<string, unknown> = {}): Promise<Bench> {
  await using opened = new AsyncDisposableStack();
  const environments = new Map<string, { environment: ReturnType<typeof anEnvironment>; file: string }>();
  const api = opened.use(await anApi({ keepers: [NAME], times: TIMES, catalogue: { environments } satisfies Partial<Catalogue> }));
  const socket = join(api.folder, `${NAME}.sock`);
  environments.set(NAME, { environment: { ...anEnvironment(), name: NAME, keeperSocket: socket }, file: '' });
  const keeper = opened.use(new KeeperBench({ leaseMs: 60_000, ...file }));
  const place = join(keeper.folder, 'keeper.sock');
  opened.use(await serveKeeper(keeper.keeper(), place, '/nonexistent/of-another-machine'));
  const logged: string[] = [];
  const options: KeeperLinkOptions = {
    join: { name: NAME, service: api.base, token: api.tokens.keeper, controllerKey: keyFingerprint(CONTROLLER.publicPem) },
    ...{ ca: null, socket: place, machineBoot: machineBootId(), version: '0.0.0', now: monoMs, random: () => 0.5, times: TIMES },
    log: (line) => void logged.push(line),
    backOff: { firstMs: 20, mostMs: 100 },
  };
  const closing = opened.move();
  return {
    ...{ api, keeper, socket, options, logged },
    keepers: async () => listOf(keeperResource).parse((await api.ask('GET', '/api/v1/keepers', { token: api.tokens.viewer })).json).items,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** A companion at work. */
function joining(options: KeeperLinkOptions): AsyncDisposable & { end(): Promise<void> } {
  const stop = new AbortController();
  const working = runKeeperLink(options, stop.signal);
  const end = async () => {
    stop.abort();
    await working;
  };
  return { end, [Symbol.asyncDispose]: end };
}

async function joined(bench: Bench): Promise<void> {
  await eventually(async () => {
    expect(await bench.keepers(), bench.logged.join('\n')).toMatchObject([{ isReachable: true, joined: { isConnected: true } }]);
  });
}

test('a keeper that joined is asked, held and halted like one on this machine, and tells who it is', async () => {
  await using bench = await aBench();
  expect(await bench.keepers()).toMatchObject([
    {
      environment: NAME,
      isReachable: false,
      error: `the keeper ${NAME} has not joined since this service started`,
      remedy: `start holdfast keeper-link on the machine of ${NAME}, or look at its log`,
      joined: { isConnected: false, lastSeenMs: null },
    },
  ]);
  await using _link = joining(bench.options);
  await joined(bench);
  expect((await bench.keepers())[0]).toMatchObject({
    ...{ isArmed: true, isHalted: false, holder: null, error: null },
    joined: { name: NAME, boot: machineBootId(), place: bench.options.socket, version: '0.0.0' },
  });
  using client = await connectKeeper(bench.socket, { timeoutMs: 0, signal: signal() });
  const events: string[] = [];
  client.onEvent(({ type }) => events.push(type));
  const { epoch } = await client.acquire('run-a', monoMs());
  await client.inject(epoch, aFault());
  expect((await bench.keepers())[0]).toMatchObject({ holder: 'run-a', faults: [{ state: 'in-force', reason: '' }] });
  const halt = await bench.api.ask('POST', `/api/v1/keepers/${NAME}/halt`, { token: bench.api.tokens.operator });
  expect(halt).toMatchObject({ status: 200, json: { isHalted: true, faults: [{ state: 'verified' }], joined: { isConnected: true } } });
  await eventually(() => {
    expect(events).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
  });
});

test('a run is refused with the reason while its keeper is away, and one that comes back in time is waited for', async () => {
  await using bench = await aBench();
  using early = await connectKeeper(bench.socket, { timeoutMs: 0, signal: signal() });
  await expect(early.acquire('run-a', monoMs())).rejects.toMatchObject({
    code: 'KEEPER_UNREACHABLE',
    message: expect.stringContaining('has not joined') as string,
    remedy: expect.stringContaining('keeper-link') as string,
  });
  using patient = await connectKeeper(bench.socket, { timeoutMs: 0, signal: signal() });
  const acquired = patient.acquire('run-b', monoMs());
  await using _link = joining(bench.options);
  expect(await acquired).toMatchObject({ epoch: 1 });
});

test('the link cut in mid-fault: the run is told, the keeper reverts by its lease, and says so once it is back', async () => {
  await using bench = await aBench({ leaseMs: 800 });
  const link = joining(bench.options);
  await joined(bench);
  using client = await connectKeeper(bench.socket, { timeoutMs: 0, signal: signal() });
  const { epoch } = await client.acquire('run-a', monoMs());
  await client.inject(epoch, aFault());
  await link.end();
  await client.closed;
  await expect(client.renew(epoch)).rejects.toMatchObject({
    code: 'PEER_GONE',
    message: expect.stringMatching(/the link to the keeper rack-7 broke/) as string,
  });
  expect(await bench.keepers()).toMatchObject([
    { isReachable: false, error: expect.stringMatching(/is away; it was last heard of/) as string },
  ]);
  expect((await bench.api.ask('GET', '/readyz', { token: bench.api.tokens.viewer })).text).toMatch(
    /The keeper rack-7 is away.*no run with faults/,
  );
  await using _again = joining(bench.options);
  const words = await client.lastWords('run-a', 10_000);
  expect(words.map(({ type }) => type)).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
  expect(words[2]).toMatchObject({ reason: 'the lease was not renewed' });
});

test('a keeper may join through the service’s own socket, and what it says of itself stays on one line', async () => {
  await using bench = await aBench();
  const join = { ...bench.options.join, service: `unix:${bench.api.socket}` };
  await using _link = joining({ ...bench.options, join });
  await joined(bench);
  await expect(openKeeperLink({ ...bench.options, join, version: '1\nforged line' }, signal())).rejects.toMatchObject({
    message: expect.stringContaining(`the header ${HELLO_HEADER} is missing or not understood`) as string,
  });
});

test('what somebody who is not the service advises stays on one line of the log, and a short one', async () => {
  await using bench = await aBench();
  const forger = createHttpServer((_, response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    const remedy = `do this\n2026-01-01 joined the real service\u001b[2J ${'x'.repeat(2_000)}`;
    response.end(JSON.stringify({ type: 'about:blank', title: 'no', status: 403, code: 'FORBIDDEN', detail: 'no', remedy }));
  });
  await using listening = new AsyncDisposableStack();
  listening.defer(() => closeServer(forger));
  const path = join(bench.api.folder, 'forger.sock');
  await new Promise<void>((resolve) => forger.listen(path, resolve));
  const options = { ...bench.options, join: { ...bench.options.join, service: `unix:${path}` } };
  const refused: unknown = await openKeeperLink(options, signal()).then(String, (error: unknown) => error);
  expect(refused).toMatchObject({ remedy: expect.stringMatching(/^do this 2026-01-01 joined the real service \[2J x+$/) as string });
  expect((refused as { remedy: string }).remedy.length).toBeLessThanOrEqual(500);
});

test('a keeper’s machine that answers without its keeper is told as that', async () => {
  await using bench = await aBench();
  await using _link = joining({ ...bench.options, socket: join(bench.api.folder, 'nobody.sock') });
  await eventually(async () => {
    expect(await bench.keepers()).toMatchObject([
      { isReachable: false, error: expect.stringMatching(/ENOENT/) as string, joined: { isConnected: true } },
    ]);
  });
});

test('a service with another key is refused, and nothing that it asks is passed on', async () => {
  await using bench = await aBench();
  const other = keyFingerprint(signingKey(newSigningKeyPem()).publicPem);
  const options = { ...bench.options, join: { ...bench.options.join, controllerKey: other } };
  await expect(openKeeperLink(options, signal())).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining(other) as string,
  });
  await using _link = joining(options);
  await eventually(() => {
    expect(bench.logged.join('\n')).toMatch(/not joined yet: .*is not the one that this keeper trusts/);
  });
  expect((await bench.keepers())[0]).toMatchObject({ isReachable: false });
});

test('whoever sits between, and answers with what the service once said, is refused', async () => {
  await using bench = await aBench();
  // It passes the first conversation on and keeps the answer; from then on it answers for itself.
  let kept: Buffer | null = null;
  const sockets = new Set<Socket>();
  const between = createServer((client) => {
    sockets.add(client.on('error', () => undefined));
    if (kept) {
      const answer = kept;
      client.once('data', () => client.write(answer));
      return;
    }
    const service = connect(bench.api.port, '127.0.0.1').on('error', () => undefined);
    sockets.add(service);
    client.pipe(service);
    service.once('data', (answer: Buffer) => (kept = answer));
    service.pipe(client);
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const { port } = between.address() as { port: number };
  const options = { ...bench.options, join: { ...bench.options.join, service: `http://127.0.0.1:${String(port)}` } };
  {
    using first = await openKeeperLink(options, signal());
    await first.ready; // a proxy that only passes on harms nothing
  }
  await expect(openKeeperLink(options, signal())).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining('recorded before') as string,
  });
  for (const socket of sockets) socket.destroy();
  await closeServer(between);
});

test('a token is for the keeper it was made for, a listed one, and ends with its revocation', async () => {
  await using bench = await aBench();
  const wrongName = { ...bench.options, join: { ...bench.options.join, name: 'rack-8' } };
  await expect(openKeeperLink(wrongName, signal())).rejects.toMatchObject({
    code: 'SERVICE_REFUSED',
    message: expect.stringContaining('the token is that of the keeper rack-7') as string,
  });
  const wrongRole = { ...bench.options, join: { ...bench.options.join, token: bench.api.tokens.admin } };
  await expect(openKeeperLink(wrongRole, signal())).rejects.toMatchObject({
    message: expect.stringContaining('it needs keeper') as string,
  });
  await using _link = joining(bench.options);
  await joined(bench);
  const row = await bench.api.store.selectFrom('tokens').select('id').where('role', '=', 'keeper').executeTakeFirstOrThrow();
  await revokeToken(bench.api.store, row.id, NOW_MS);
  await eventually(() => {
    expect(bench.logged.join('\n')).toMatch(/not joined yet: .*token or session is not valid/);
  });
  expect((await bench.keepers())[0]).toMatchObject({ isReachable: false, joined: { isConnected: false } });
  expect(bench.api.log.join('\n')).toMatch(/is over: its token is not valid any more/);
});

test('a keeper that the file does not list may not join, and gets no token', async () => {
  await using api = await anApi();
  const join = { name: NAME, service: api.base, token: api.tokens.keeper, controllerKey: keyFingerprint(CONTROLLER.publicPem) };
  const options = { ca: null, socket: '/nonexistent', machineBoot: 'b', version: '0', now: monoMs, random: () => 0, log: () => undefined };
  await expect(openKeeperLink({ ...options, join }, signal())).rejects.toMatchObject({
    message: expect.stringContaining('lists no keeper rack-7') as string,
  });
  expect(await api.ask('POST', `/api/v1/keepers/${NAME}/token`, { token: api.tokens.admin })).toMatchObject({ status: 404 });
});

test('an administrator gets a listed keeper’s token, and the fingerprint that its file needs', async () => {
  await using bench = await aBench();
  const { status, json } = await bench.api.ask('POST', `/api/v1/keepers/${NAME}/token`, { token: bench.api.tokens.admin });
  expect(status).toBe(201);
  const { token, controllerKey } = json as { token: string; controllerKey: string };
  using link = await openKeeperLink({ ...bench.options, join: { ...bench.options.join, token, controllerKey } }, signal());
  await link.ready;
});

test('a second keeper of the same name is refused while the first lives; the same one that comes again takes its place', async () => {
  await using bench = await aBench();
  using first = await openKeeperLink(bench.options, signal());
  await first.ready;
  await joined(bench);
  await expect(openKeeperLink({ ...bench.options, machineBoot: 'another-boot' }, signal())).rejects.toMatchObject({
    message: expect.stringMatching(/rack-7 is joined already, by .*keeper.sock of the machine that booted as/) as string,
  });
  expect(first.isOver).toBe(false);
  using second = await openKeeperLink(bench.options, signal());
  // In order, or by a reset where a beat of its own was under way.
  expect(await first.closed).toMatch(/closed the connection|the connection broke/);
  await second.ready;
  await joined(bench);
});

test('who upgrades and then says nothing is cut off, and never was the keeper', async () => {
  await using bench = await aBench();
  const hello = { schema: 1, keeper: NAME, key: freshKey().publicText, boot: 'b', place: '/p', version: '0' };
  const stream = await upgraded(bench.api, { [HELLO_HEADER]: Buffer.from(JSON.stringify(hello)).toString('base64url') });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.resume();
  expect((await bench.keepers())[0]).toMatchObject({ joined: { isConnected: false, lastSeenMs: null } });
  await closed;
});

test('a hello that is none, a request without an upgrade, and another upgrade get plain answers', async () => {
  await using bench = await aBench();
  const token = bench.api.tokens.keeper;
  for (const hello of ['', 'x'.repeat(9_000), Buffer.from('{"schema":1}').toString('base64url')]) {
    await expect(upgraded(bench.api, { [HELLO_HEADER]: hello })).rejects.toThrow(/400 .*BAD_INPUT/);
  }
  expect(await bench.api.ask('GET', LINK_PATH, { token })).toMatchObject({ status: 400, json: { code: 'BAD_INPUT' } });
  await expect(upgraded(bench.api, { authorization: 'Bearer hf_x' })).rejects.toThrow(/401/);
  await expect(upgraded(bench.api, { host: 'evil.example' })).rejects.toThrow(/403/);
  // As curl --http2 asks; the request is answered as if it had not.
  await expect(upgraded(bench.api, { upgrade: 'h2c' }, '/healthz')).rejects.toThrow(/^200 ok/);
});

test('a door that closes ends the links that would never end', async () => {
  const bench = await aBench();
  using link = await openKeeperLink(bench.options, signal());
  await link.ready;
  await bench[Symbol.asyncDispose]();
  expect(await link.closed).not.toBe('');
});

/** A raw upgrade. @throws Error `STATUS BODY` when the service answers instead */
async function upgraded(api: AnApi, headers: Record<string, string>, path = LINK_PATH): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asked = request({
    ...{ host: '127.0.0.1', port: api.port, path, signal: signal() },
    headers: { authorization: `Bearer ${api.tokens.keeper}`, connection: 'Upgrade', upgrade: LINK_PROTOCOL, ...headers },
  });
  asked.once('upgrade', (_response: IncomingMessage, stream: Socket) => {
    resolve(stream.on('error', () => undefined));
  });
  asked.once('response', (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.once('end', () => {
      reject(new Error(`${String(response.statusCode)} ${text}`));
    });
  });
  asked.once('error', reject).end();
  return await promise;
}
