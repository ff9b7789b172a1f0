// Monitors as the other parts of the service use them: put, paused, removed, restarted; chunks of agents taken once; silence told.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { JournalEvent } from '../../../src/core/journal.ts';
import { aJournal } from '../../support/a-journal.ts';
import { eventually } from '../../support/eventually.ts';
import { Bench, type BenchOptions } from './support/a-bench.ts';
import { aMonitorSpec, anAgentState } from './support/a-monitor.ts';

let bench: Bench;
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});
const open = async (options: BenchOptions = {}) => (bench = await Bench.open(options));

/** What the prober of v1 tells in a quiet time: 12 flows, and tallies of the first seconds. */
function quiet(vantage = 'v1'): JournalEvent[] {
  const journal = aJournal({ vantages: [vantage] });
  for (const ingress of ['n1', 'n2', 'n3']) journal.flows(4, { vantage, ingress });
  for (let bin = 1; bin < 20; bin += 1) for (const path of ['n1', 'n2', 'n3']) journal.tally(bin, { vantage, path, ok: 8 });
  return journal.sorted().filter(({ from }) => from === `prober:${vantage}`);
}

test('the agents’ names are those of now', async () => {
  await open();
  expect(bench.monitors.agentNames()).toEqual(['a1', 'a2']);
  await bench.monitors.removeAgent('a1');
  expect(bench.monitors.agentNames()).toEqual(['a2']);
});

describe('an order', () => {
  test('tells each agent what to hold, with the session’s clock, and nothing of other vantages', async () => {
    await open({
      monitors: [aMonitorSpec(), aMonitorSpec({ name: 'far', flows: [{ probe: 'tcp-hold', vip: 'web', vantages: ['v2'], count: 9 }] })],
    });
    const newest = (agent: string) => bench.orders.findLast((each) => each.agent === agent)?.order;
    expect(newest('a1')?.holdings.map(({ monitor, vantage }) => `${monitor} ${vantage}`)).toEqual(['web v1']);
    expect(newest('a2')?.holdings.map(({ monitor, vantage }) => `${monitor} ${vantage}`)).toEqual(['web v2', 'far v2']);
    const [holding] = newest('a1')?.holdings ?? [];
    expect(holding).toMatchObject({ t0ServiceMonoMs: bench.clock.monoMs(), serviceBoot: 'boot-1', environment: 'three-nodes' });
    expect(holding?.populations.map(({ probe, count, vip }) => [probe, count, vip.address])).toEqual([
      ['tcp-hold', 4, '10.77.200.1'],
      ['udp-twin', 4, '10.77.200.1'],
    ]);
  });

  test('is signed by a key that only its owner may read, the same over restarts', async () => {
    await open();
    const { controllerKey } = bench.monitors;
    expect(statSync(join(bench.folder, 'order-key.pem')).mode & 0o777).toBe(0o600);
    await bench.restart();
    expect(bench.monitors.controllerKey).toBe(controllerKey);
  });
});

describe('a monitor', () => {
  test('goes on in its session over a restart, and in a new one when its plan or the machine’s boot is another', async () => {
    await open();
    const first = bench.sessionOf();
    await bench.restart();
    expect(bench.sessionOf()).toBe(first);
    await bench.restart({ monitors: [aMonitorSpec({ flows: [{ probe: 'tcp-hold', vip: 'web', vantages: 'all', count: 5 }] })] });
    const second = bench.sessionOf();
    expect(second).not.toBe(first);
    await bench.restart({ machineBoot: 'boot-2' });
    const third = bench.sessionOf();
    expect([first, second]).not.toContain(third);
    await bench.restart({ environment: { nodes: [] } });
    expect([first, second, third]).not.toContain(bench.sessionOf());
  });

  test('of the API is kept over restarts; one of the file goes with its line in the file', async () => {
    await open();
    await bench.monitors.put(aMonitorSpec({ name: 'mine' }), 'api');
    await bench.monitors.put(aMonitorSpec({ name: 'mine' }), 'api');
    await bench.restart({ monitors: [] });
    expect(bench.monitors.status().map(({ name, origin }) => `${name} ${origin}`)).toEqual(['mine api']);
    await bench.monitors.remove('mine');
    expect(bench.monitors.status()).toEqual([]);
    expect(bench.orders.at(-1)?.order.holdings).toEqual([]);
  });

  test('of the file is changed there, not through the API; names that do not exist are refused', async () => {
    await open();
    const { monitors } = bench;
    await expect(monitors.remove('web')).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    await expect(monitors.put(aMonitorSpec(), 'api')).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    await expect(monitors.remove('wbe')).rejects.toThrow(/did you mean web/);
    await expect(monitors.put(aMonitorSpec({ name: 'x', environment: 'three-node' }), 'api')).rejects.toThrow(/did you mean three-nodes/);
    const flows = [{ probe: 'tcp-hold', vip: 'wep', vantages: 'all' as const, count: 1 }];
    await expect(monitors.put(aMonitorSpec({ name: 'x', flows }), 'api')).rejects.toThrow(
      expect.objectContaining({ code: 'UNKNOWN_NAME' }),
    );
    await expect(monitors.addAgent({ name: 'a3', environment: 'three-nodes', vantage: 'v9' })).rejects.toThrow(/no vantage v9/);
  });

  test('that is paused holds nothing, over restarts too, and begins anew when it goes on', async () => {
    await open();
    const first = bench.sessionOf();
    await bench.monitors.pause('web', true);
    await bench.restart();
    expect(bench.sessionOf()).toBe('');
    expect(bench.monitors.status()[0]).toMatchObject({ isPaused: true, sentence: 'paused' });
    await bench.monitors.pause('web', false);
    expect(bench.sessionOf()).not.toBe('');
    expect(bench.sessionOf()).not.toBe(first);
  });
});

describe('a chunk', () => {
  test('is taken once, however often it comes; one that comes too early goes back', async () => {
    await open();
    bench.clock.step(30_000);
    const events = quiet();
    expect(await bench.send('a1', { events: events.slice(0, 10) })).toEqual({ nextSeq: 10, isObsolete: false });
    expect(await bench.send('a1', { events: events.slice(0, 10) })).toEqual({ nextSeq: 10, isObsolete: false });
    expect(await bench.send('a1', { events: events.slice(20, 30), firstSeq: 20 })).toEqual({ nextSeq: 10, isObsolete: false });
    expect(await bench.send('a1', { events: events.slice(5, 20), firstSeq: 5 })).toEqual({ nextSeq: 20, isObsolete: false });
    expect(bench.journalled().map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, seq) => seq));
  });

  test('of a session that is over is obsolete; of another vantage or environment, forbidden', async () => {
    await open({ monitors: [aMonitorSpec({ flows: [{ probe: 'tcp-hold', vip: 'web', vantages: ['v1'], count: 4 }] })] });
    bench.clock.step(30_000);
    const events = quiet();
    expect(await bench.send('a1', { events, session: 'old' })).toMatchObject({ isObsolete: true });
    expect(await bench.send('a1', { events, monitor: 'gone' })).toMatchObject({ isObsolete: true });
    await expect(bench.send('a2', { events: quiet('v2') })).rejects.toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
    await expect(bench.send('a3', { events })).rejects.toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
    await expect(bench.send('a1', { events: quiet('v2') })).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(bench.journalled()).toEqual([]);
  });

  test('that comes while the service ends is not thrown away', async () => {
    await open();
    const session = bench.sessionOf();
    await bench.monitors[Symbol.asyncDispose]();
    await expect(bench.send('a1', { events: [], session })).rejects.toThrow(expect.objectContaining({ code: 'STORE' }));
  });

  test('shows in the status of its monitor', async () => {
    await open();
    bench.clock.step(22_000);
    await bench.send('a1', { events: quiet() });
    await bench.monitors.takeState(
      'a1',
      anAgentState({ holdings: [{ monitor: 'web', session: bench.sessionOf(), state: 'holding', open: 12, broken: 0, isIll: false }] }),
    );
    await bench.monitors.takeState('a2', anAgentState());
    await bench.monitors.tick();
    const [status] = bench.monitors.status();
    expect(status?.vantages.map(({ vantage, agent, state, open: flows }) => [vantage, agent, state, flows])).toEqual([
      ['v1', 'a1', 'holding', 12],
      ['v2', 'a2', 'starting', 0],
    ]);
    expect(status?.paths.map(({ ingress, state, flows }) => [ingress, state, flows])).toEqual([
      ['n1', 'ok', 4],
      ['n2', 'ok', 4],
      ['n3', 'ok', 4],
    ]);
    expect(status?.sentence).toMatch(/3 of 3 paths of web alive/);
  });

  test('is told to listeners once; after a restart as a replay', async () => {
    const heard: [number, boolean][] = [];
    await open({ onEvents: (_, events, isReplay) => heard.push([events.length, isReplay]) });
    bench.clock.step(30_000);
    const events = quiet();
    await bench.send('a1', { events });
    await bench.send('a1', { events });
    expect(heard).toEqual([[events.length, false]]);
    heard.length = 0;
    await bench.restart();
    expect(heard.filter(([, isReplay]) => isReplay).length).toBe(events.length);
    expect(heard.every(([, isReplay]) => isReplay)).toBe(true);
  });
});

describe('an agent that falls silent', () => {
  test('is a finding after 10 s, resolved when it speaks; not while the service was away', async () => {
    await open();
    await bench.pass(5);
    await bench.pass(10, ['a2']);
    expect((await bench.findings()).map(({ kind }) => kind)).toEqual([]);
    await bench.pass(1, ['a2']);
    expect(await bench.findings()).toEqual([expect.objectContaining({ kind: 'agent-silent', subject: 'v1', state: 'open' })]);
    expect(bench.monitors.status()[0]?.vantages[0]).toMatchObject({ state: 'silent', agent: 'a1' });
    bench.clock.step(60_000);
    await bench.restart();
    await bench.pass(5, ['a2']);
    expect(await bench.findings()).toEqual([expect.objectContaining({ kind: 'agent-silent', subject: 'v1', state: 'open' })]);
    await bench.pass(2);
    expect(await bench.findings()).toEqual([expect.objectContaining({ kind: 'agent-silent', subject: 'v1', state: 'resolved' })]);
  });

  test('is resolved when its monitor is removed, and says that nobody looked any longer', async () => {
    await open({ monitors: [] });
    await bench.monitors.put(aMonitorSpec(), 'api');
    await bench.pass(12, ['a2']);
    await bench.monitors.remove('web');
    expect(bench.told.at(-1)).toMatchObject({
      kind: 'agent-silent',
      state: 'resolved',
      details: expect.arrayContaining([expect.stringMatching(/was removed/)]) as string[],
    });
  });
});

describe('segments', () => {
  test('are of an hour each, and each can be read alone: older ones gone, a restart knows everything', async () => {
    await open({ retention: { segments: 3_600_000, history: 86_400_000, maxBytes: 2 ** 31 } });
    bench.clock.step(30_000);
    const events = quiet();
    await bench.send('a1', { events: events.slice(0, 40) });
    await bench.pass(120); // 10:58 and a half -> 11:00:30
    expect(bench.segments().map((path) => basename(path))).toEqual(['20261125T10Z.ndjson', '20261125T11Z.ndjson']);
    bench.clock.step(2 * 3_600_000);
    await bench.pass(1);
    expect(bench.segments().map((path) => basename(path))).toEqual(['20261125T13Z.ndjson']);
    await bench.restart();
    await bench.monitors.tick();
    expect(bench.monitors.status()[0]?.paths.map(({ ingress, flows }) => [ingress, flows])).toEqual([
      ['n1', 4],
      ['n2', 4],
      ['n3', 4],
    ]);
    expect(await bench.send('a1', { events })).toEqual({ nextSeq: events.length, isObsolete: false });
    expect(bench.journalled().map(({ seq }) => seq)).toEqual(events.slice(40).map((_, index) => index + 40));
  });

  test('never go back to an older one, whatever the wall clock does', async () => {
    await open();
    await bench.pass(130);
    bench.clock.setWall(Date.UTC(2026, 10, 25, 9));
    await bench.pass(1);
    await bench.send('a1', { events: quiet() });
    await bench.restart();
    expect(bench.segments().length).toBe(2);
    expect(await bench.send('a1', { events: quiet() })).toMatchObject({ nextSeq: quiet().length });
    expect(bench.journalled().length).toBe(quiet().length);
  });

  test('end after a good hour also when the wall clock was in the future once, and sort by when they were written', async () => {
    await open();
    await bench.pass(1);
    const rightMs = bench.clock.nowMs();
    bench.clock.setWall(Date.UTC(2099, 0, 1));
    await bench.pass(1);
    bench.clock.setWall(rightMs);
    bench.clock.step(76 * 60_000);
    await bench.send('a1', { events: quiet().slice(0, 9) });
    bench.clock.step(76 * 60_000);
    await bench.send('a1', { events: quiet(), firstSeq: 0 });
    const names = ['20261125T10Z', '20990101T00Z', '20990101T00Z_000001', '20990101T00Z_000002'];
    expect(bench.segments().map((path) => basename(path, '.ndjson'))).toEqual(names);
    await bench.restart();
    expect(await bench.send('a1', { events: quiet() })).toMatchObject({ nextSeq: quiet().length });
    expect(bench.journalled().map(({ seq }) => seq)).toEqual(quiet().map((_, seq) => seq));
  });

  test('do not grow without end within their hour', async () => {
    await open();
    bench.clock.step(30_000);
    const events = [{ ...quiet()[0], evidence: 'x'.repeat(65 << 20) } as unknown as JournalEvent, ...quiet().slice(1)];
    await bench.send('a1', { events: events.slice(0, 1) });
    await bench.send('a1', { events: events.slice(1), firstSeq: 1 });
    expect(bench.segments().map((path) => basename(path, '.ndjson'))).toEqual(['20261125T10Z', '20261125T10Z_000001']);
    await bench.pass(60);
    expect(basename(bench.segments().at(-1) ?? '')).toBe('20261125T10Z_000001.ndjson');
    await bench.pass(60);
    expect(basename(bench.segments().at(-1) ?? '')).toBe('20261125T11Z.ndjson');
  });

  test('that cannot be read again do not keep a monitor from watching', async () => {
    await open();
    const first = bench.sessionOf();
    const [path = ''] = bench.segments();
    writeFileSync(path, readFileSync(path, 'utf8').replace('segment.started', 'nonsense'));
    await bench.restart();
    expect(bench.sessionOf()).not.toBe(first);
    expect(bench.logged.join()).toMatch(/cannot go on, a new one begins/);
  });
});

describe('the observers of an environment', () => {
  /** In the place of holdfast: tells one set, a hop more in every life, until its standard input closes. */
  const observing = (folder: string) => `
    import { appendFileSync, readFileSync } from 'node:fs';
    appendFileSync(${JSON.stringify(folder)} + '/lives', '+');
    const lives = readFileSync(${JSON.stringify(folder)} + '/lives', 'utf8').length;
    const nextHops = Array.from({ length: lives }, (_, index) => ({ address: '10.77.0.1' + index, node: 'n' + index }));
    console.log(JSON.stringify({ t: 0, from: 'observer:tor', seq: 0, type: 'next-hops', observer: 'routes', router: 'tor', prefix: '10.77.200.1/32', nextHops, settled: true }));
    process.stdin.resume().once('end', () => process.exit());`;
  const told = (monitor: string) =>
    bench
      .journalled(monitor)
      .filter(({ from }) => from === 'observer:tor')
      .map((event) => (event.type === 'next-hops' ? event.nextHops.length : 'blind'));

  test('tell every monitor of it, one that begins later too; while the service was away, nobody saw anything', async () => {
    const lives = mkdtempSync(join(tmpdir(), 'holdfast-lives-'));
    try {
      const program = [process.execPath, '--input-type=module', '-e', observing(lives)] as const;
      await open({ environment: { observers: ['routes'] }, program });
      await eventually(() => {
        expect(told('web')).toEqual([1]);
      });
      await bench.monitors.put(aMonitorSpec({ name: 'later' }), 'api');
      expect(told('later')).toEqual([1]);
      await bench.pass(1);
      await bench.monitors[Symbol.asyncDispose]();
      await bench.restart();
      await eventually(() => {
        expect(told('web')).toEqual([1, 'blind', 2]);
        expect(told('later')).toEqual([1, 'blind', 2]);
      });
      expect(bench.journalled().map(({ seq }) => seq)).toEqual([0, 1, 2]);
    } finally {
      rmSync(lives, { recursive: true });
    }
  });
});
