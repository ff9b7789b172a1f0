// The prober as a whole: a real process against real responders on loopback.
import { describe, expect, it } from 'vitest';
import { aPopulation, PATIENT, ProberProcess, sumOf } from '../support/a-prober.ts';
import { aResponder, ResponderProcess } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';

describe('a prober', () => {
  it('holds its flows, counts every exchange once, maps survivors at the end, and leaves', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([
      aPopulation(responder.port, PATIENT),
      aPopulation(responder.port, { ...PATIENT, protocol: 'udp', freshDialsPerSec: 8 }),
    ]);
    expect(prober.said[0]).toMatchObject({ type: 'hello', schema: 1 });
    const opened = prober.events('flow.opened');
    expect(opened.length).toBe(20);
    expect(new Set(opened.map(({ flow }) => flow)).size).toBe(20);
    expect(opened[0]).toMatchObject({
      from: 'prober:v1',
      vip: 'web',
      probe: 'hold',
      ingress: 'n1',
      backend: 'b1',
      observedSource: '127.0.0.1',
    });
    expect(prober.events('vantage.ready')).toMatchObject([
      { vantage: 'v1', addresses: ['127.0.0.1'], opened: 20, failed: 0, clockErrMs: 0 },
    ]);
    await prober.untilAnswered(500);
    prober.say({ type: 'final-map' });
    await prober.until('flow.final', 10);
    const tally = await prober.stop();
    expect(prober.exitCode).toBe(0);
    expect(prober.said.at(-1)).toEqual({ type: 'done', of: 'stop' });
    expect(tally).toMatchObject({ scheduled: sumOf(tally), lost: 0, late: 0, notSent: 0 });
    expect(tally.scheduled).toBeGreaterThanOrEqual(500);
    expect(prober.total(true)).toMatchObject({ lost: 0, scheduled: sumOf(prober.total(true)) });
    expect(prober.total(true).scheduled).toBeGreaterThan(8);
    const tcpFlows = opened.filter(({ protocol }) => protocol === 'tcp').map(({ flow }) => flow);
    expect(
      prober
        .events('flow.final')
        .map(({ flow }) => flow)
        .sort(),
    ).toEqual(tcpFlows.sort());
    expect(prober.events('flow.final')[0]).toMatchObject({ ingress: 'n1', backend: 'b1', observedSource: '127.0.0.1' });
    expect(prober.events('flow.closed').length).toBe(10);
    expect([...prober.events('flow.broken'), ...prober.events('flow.changed')]).toEqual([]);
    const seqs = prober.said.flatMap((message) => (message.type === 'event' ? [message.event.seq] : []));
    expect(seqs).toEqual(seqs.map((_, index) => index));
  });

  it('sends on a fixed schedule, evenly spread over the interval', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port, { intervalMs: 500, timeoutMs: 500, stallAfterMs: 1_500, count: 20 })]);
    await prober.untilAnswered(120);
    await prober.stop();
    // Twenty seats twice a second: forty exchanges are due in every whole second.
    const bins = new Map<number, number>();
    for (const { bin, scheduled } of prober.events('tally')) bins.set(bin, (bins.get(bin) ?? 0) + scheduled);
    const whole = [...bins].sort(([a], [b]) => a - b).slice(1, -1);
    expect(whole.length).toBeGreaterThan(1);
    for (const [, scheduled] of whole) expect(scheduled).toBe(40);
  });

  it('names the ingress by the node that rewrote the source', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    const vip = { name: 'web', address: '127.0.0.1', port: responder.port, policy: 'cluster' as const };
    await prober.hold([aPopulation(responder.port, { vip })], { nodes: [{ name: 'n7', addresses: ['127.0.0.1'], podCidrs: [] }] });
    expect(prober.events('flow.opened')[0]).toMatchObject({ ingress: 'n7', backendNode: 'n1' });
    await prober.stop();
    expect(new Set(prober.events('tally').map(({ path }) => path))).toEqual(new Set(['n7']));
  });

  it('lets the kernel choose the source address when it has none, and says which it was', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port), aPopulation(responder.port, { protocol: 'udp' })], { sourceAddresses: [] });
    expect(new Set(prober.events('flow.opened').map(({ sourceAddress }) => sourceAddress))).toEqual(new Set(['127.0.0.1']));
    prober.say({ type: 'final-map' });
    await prober.until('flow.final', 10);
    expect(prober.events('flow.final').filter(({ ingress }) => ingress !== 'n1')).toEqual([]);
  });
});

describe('a prober of a monitor', () => {
  it('puts its life into the names of its flows, so that the prober that follows it uses none again', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port, { count: 2 })], { life: 'a1b2' });
    expect(
      prober
        .events('flow.opened')
        .map(({ flow }) => flow)
        .sort(),
    ).toEqual(['v1/a1b2/1', 'v1/a1b2/2']);
    await prober.stop();
  });

  it('goes on dialling flows that it could never open, until it can', async () => {
    await using free = await aResponder();
    const { port } = free;
    await free[Symbol.asyncDispose]();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(port, { count: 3 })], { keepsDialling: true });
    expect(prober.events('vantage.ready')).toMatchObject([{ opened: 0, failed: 3 }]);
    await using responder = await aResponder({ port });
    await prober.until('flow.opened', 3);
    expect(responder.table.flows().length).toBe(3);
    await prober.stop();
  });
});

describe('a prober ends', () => {
  it('when its control channel closes, closing its flows', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port)]);
    expect(responder.table.flows().length).toBe(10);
    expect(await prober.leaveAlone()).toBe(0);
    await eventually(() => {
      expect(responder.table.flows()).toEqual([]);
    });
  });

  it('in the middle of opening flows, or of the final map, when told to stop', async () => {
    await using responder = await aResponder();
    for (const last of ['start', 'final-map'] as const) {
      await using prober = new ProberProcess();
      const populations = [aPopulation(responder.port, { count: 300, freshDialsPerSec: 8 })];
      if (last === 'start') await prober.assign(populations);
      else await prober.hold(populations);
      prober.say({ type: last });
      const tally = await prober.stop();
      expect(prober.exitCode).toBe(0);
      expect(tally.scheduled).toBe(sumOf(tally));
    }
  });

  it('not on the Ctrl-C that was meant for its runner', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port)]);
    prober.signal('SIGINT');
    await prober.untilAnswered(50);
    prober.signal('SIGTERM');
    await eventually(() => {
      expect(prober.exitCode).toBe(0);
    });
  });
});

describe('a prober refuses', () => {
  it('more flows than it may have files or ports for, with the remedy', async () => {
    await using prober = new ProberProcess();
    expect(await prober.assign([aPopulation(7_000, { count: 10_000_000 })])).toMatchObject({
      type: 'refused',
      code: 'PREFLIGHT',
      message: expect.stringContaining('open files') as string,
      remedy: expect.stringContaining('fewer flows') as string,
    });
  });

  it('a protocol it does not speak', async () => {
    await using prober = new ProberProcess();
    expect(await prober.assign([aPopulation(7_000, { protocol: 'gopher' })])).toMatchObject({ type: 'refused', code: 'UNKNOWN_NAME' });
  });

  it('nothing when nobody listens: it tries each flow a few times and says how many failed', async () => {
    const { port } = await aResponder().then(async (responder) => {
      await responder.close();
      return responder;
    });
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(port, { count: 3 })]);
    expect(prober.events('vantage.ready')).toMatchObject([{ opened: 0, failed: 3 }]);
    expect(prober.events('dial.failed').map(({ failure }) => failure)).toEqual(['refused', 'refused', 'refused']);
    expect(await prober.stop()).toMatchObject({ scheduled: 0 });
  });
});

describe('a thousand TCP flows and their UDP twins', () => {
  it('are opened from as many ports, held without a break, and mapped', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    const many = { count: 1_024, intervalMs: 500, timeoutMs: 500, stallAfterMs: 1_500 };
    await prober.hold([aPopulation(responder.port, many), aPopulation(responder.port, { ...many, protocol: 'udp' })]);
    expect(prober.events('vantage.ready')).toMatchObject([{ opened: 2_048, failed: 0 }]);
    const tuples = prober.events('flow.opened').map(({ protocol, sourcePort }) => `${protocol} ${String(sourcePort)}`);
    expect(new Set(tuples).size).toBe(2_048);
    await prober.untilAnswered(8_000);
    prober.say({ type: 'final-map' });
    await prober.until('flow.final', 1_024);
    const tally = await prober.stop();
    expect(tally).toMatchObject({ scheduled: sumOf(tally), notSent: 0 });
    expect(prober.events('flow.broken')).toEqual([]);
    expect(prober.events('flow.final').filter(({ ingress }) => ingress !== 'n1')).toEqual([]);
  });
});
