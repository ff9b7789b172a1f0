// The keeper's door: a socket for its owner alone, and a client that hears its refusals as they were meant.
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { JournalEvent } from '../../src/core/journal.ts';
import { machineBootId, monoMs } from '../../src/io/clock.ts';
import { lockStateFolder, serveKeeper } from '../../src/keeper/server.ts';
import { connectKeeper, type KeeperClient } from '../../src/runner/keeper-client.ts';
import { eventually } from '../support/eventually.ts';
import { aFault, KeeperBench } from '../support/keeper-bench.ts';

async function open(bench: KeeperBench): Promise<{ path: string; client: KeeperClient } & AsyncDisposable> {
  const path = join(bench.folder, 'keeper.sock');
  await using opened = new AsyncDisposableStack();
  opened.use(await serveKeeper(bench.keeper(), path, bench.folder));
  const client = opened.use(await connectKeeper(path, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) }));
  const closing = opened.move();
  return { path, client, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

test('a run goes over the socket: acquire, plan, inject, revert, release, and every event', async () => {
  await using bench = new KeeperBench({ leaseMs: 60_000 });
  bench.machineBoot = machineBootId();
  await using door = await open(bench);
  const { client } = door;
  const events: JournalEvent[] = [];
  client.onEvent((event) => events.push(event));
  const { epoch, leaseMs } = await client.acquire('run-a', monoMs());
  expect(leaseMs).toBe(60_000);
  const [step] = await client.plan(epoch, [aFault()]);
  expect(step).toEqual({
    fault: 'f1',
    touches: ['tor: shuts down every BGP session with n2 (10.0.0.2, fd00::2)'],
    remains: ['web: 2 of 3 next hops'],
    refusals: [],
  });
  await client.inject(epoch, aFault());
  await client.renew(epoch);
  expect(await client.status()).toMatchObject({
    armed: true,
    halted: false,
    holder: { runId: 'run-a', epoch },
    faults: [{ state: 'in-force' }],
  });
  await client.revert(epoch, 'f1', 'enough');
  await client.release(epoch);
  await eventually(() => {
    expect(events.map(({ type }) => type)).toEqual(['fault.intent', 'fault.in-force', 'fault.reverting', 'fault.verified']);
  });
  expect(await client.lastWords('run-a', 0)).toEqual(events);
});

test('a refusal arrives with its code and its remedy', async () => {
  await using bench = new KeeperBench();
  await using door = await open(bench);
  await expect(door.client.inject(99, aFault())).rejects.toMatchObject({ code: 'KEEPER_STALE_EPOCH', remedy: 'start a new run' });
});

test('only its owner may open the socket', async () => {
  await using bench = new KeeperBench();
  await using door = await open(bench);
  expect(statSync(door.path).mode & 0o777).toBe(0o600);
});

test('whoever speaks nonsense is told so and shown out, and the others are served on', async () => {
  await using bench = new KeeperBench();
  await using door = await open(bench);
  for (const nonsense of ['hello\n', '{"id":1,"op":"inject","epoch":1}\n', '{"id":1,"op":"reboot"}\n', '[]\n', '\0\n']) {
    const socket = connect(door.path);
    socket.write(nonsense);
    expect(JSON.parse(await text(socket))).toMatchObject({ id: 0, ok: false, code: 'PROTOCOL' });
  }
  expect(await door.client.status()).toMatchObject({ holder: null });
});

test('a socket that a killed keeper left is taken over, one in use and any other file are not', async () => {
  await using bench = new KeeperBench();
  const path = join(bench.folder, 'keeper.sock');
  const keeper = bench.keeper();
  {
    await using first = await serveKeeper(keeper, path, bench.folder);
    expect(first).toBeDefined();
    await expect(serveKeeper(keeper, path, bench.folder)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  }
  writeFileSync(path, 'a file');
  await expect(serveKeeper(keeper, path, bench.folder)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  expect(existsSync(path)).toBe(true);
});

test('of two keepers on one state folder the second is refused, until the first is gone', async () => {
  await using bench = new KeeperBench();
  {
    using lock = lockStateFolder(bench.folder);
    expect(lock).toBeDefined();
    expect(() => lockStateFolder(bench.folder)).toThrow(expect.objectContaining({ code: 'KEEPER_BUSY' }));
  }
  using again = lockStateFolder(bench.folder);
  expect(again).toBeDefined();
});

test('a keeper that goes away fails what was asked of it, and whatever is asked later', async () => {
  await using bench = new KeeperBench({ leaseMs: 60_000 });
  const path = join(bench.folder, 'keeper.sock');
  const door = await serveKeeper(bench.keeper(), path, bench.folder);
  using client = await connectKeeper(path, { timeoutMs: 1_000, signal: AbortSignal.timeout(5_000) });
  const { epoch } = await client.acquire('run-a', monoMs());
  bench.network.isHanging = true;
  const injected = client.inject(epoch, aFault());
  const refused = expect(injected).rejects.toMatchObject({ code: 'PEER_GONE' });
  await door[Symbol.asyncDispose]();
  await refused;
  await client.closed;
  await expect(client.status()).rejects.toMatchObject({ code: 'PEER_GONE' });
});

test('a client that is closed is closed', async () => {
  await using bench = new KeeperBench();
  await using door = await open(bench);
  door.client.close();
  await door.client.closed;
});

test('where no keeper answers the client says how to start one', async () => {
  await using bench = new KeeperBench();
  const nobody = connectKeeper(join(bench.folder, 'nobody.sock'), { timeoutMs: 100, signal: AbortSignal.timeout(5_000) });
  await expect(nobody).rejects.toMatchObject({ code: 'KEEPER_UNREACHABLE' });
});
