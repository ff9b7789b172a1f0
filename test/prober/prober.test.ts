// The prober as a whole: a real process against real responders on loopback.
import { describe, expect, it } from 'vitest';
import type { Tally } from '../../src/core/journal.ts';
import { monoMs } from '../../src/io/clock.ts';
import { aPopulation, ProberProcess } from '../support/a-prober.ts';
import { aResponder, ResponderProcess } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';

function sumOf(tally: Tally): number {
  return tally.ok + tally.late + tally.lost + tally.notSent + tally.invalid;
}

/** So that a busy machine, which holds up the responder too, makes nothing late. */
const patient = { timeoutMs: 2_000, stallAfterMs: 2_000 };

describe('a prober', () => {
  it('holds its flows, counts every exchange once, maps survivors at the end, and leaves', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([
      aPopulation(responder.port, patient),
      aPopulation(responder.port, { ...patient, protocol: 'udp', freshDialsPerSec: 8 }),
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

describe('when a responder dies, a prober', () => {
  it('tells each break at once, maps each 5-tuple, and replaces each TCP flow from a fresh port', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port)]);
    await prober.untilAnswered(50);
    await responder.kill();
    await prober.until('flow.broken', 10);
    await prober.until('flow.mapped', 10);
    expect(prober.events('flow.mapped').filter(({ ingress, failure }) => ingress !== null || failure !== 'refused')).toEqual([]);
    const broken = prober.events('flow.broken');
    for (const { breakCause, onsetT, t, lastOkT } of broken) {
      expect(['reset', 'closed']).toContain(breakCause);
      expect(onsetT).toBe(t);
      expect(t - (lastOkT ?? 0)).toBeLessThan(1_000);
    }
    await using again = await ResponderProcess.start(responder.port);
    await prober.until('flow.opened', 20);
    prober.say({ type: 'settle' });
    await prober.until('flow.mapped', 20);
    const second = prober.events('flow.mapped').slice(10);
    expect(second.filter(({ ingress, attempt }) => ingress !== 'n1' || attempt !== 2)).toEqual([]);
    const opened = prober.events('flow.opened');
    const replaced = opened.slice(10).map(({ replaces }) => replaces);
    expect(replaced.sort()).toEqual(broken.map(({ flow }) => flow).sort());
    expect(new Set(opened.map(({ sourcePort }) => sourcePort)).size).toBe(20);
    expect(prober.events('dial.failed').length).toBe(10);
    const tally = await prober.stop();
    expect(tally.scheduled).toBe(sumOf(tally));
    expect(again.port).toBe(responder.port);
  });

  it('counts the exchanges of broken flows as lost while nothing can replace them', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port)]);
    await prober.untilAnswered(50);
    await responder.kill();
    const brokenT = (await eventually(() => prober.events('flow.broken')[9] ?? Promise.reject(new Error('not broken')))).t;
    const pulses = () => prober.said.flatMap((message) => (message.type === 'pulse' && message.t > brokenT + 1_000 ? [message] : []));
    await eventually(() => {
      expect(pulses().length).toBeGreaterThan(1);
    });
    const [pulse] = pulses();
    expect(pulse).toMatchObject({ open: 0, broken: 10, opening: 10 });
    expect(pulse?.tally.lost).toBeGreaterThan(50);
    const tally = await prober.stop();
    expect(tally.scheduled).toBe(sumOf(tally));
    expect(tally.lost).toBeGreaterThan(100);
  });

  it('says of a UDP flow that ICMP refused it, and that it recovered under a new boot', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port, { protocol: 'udp' })]);
    await prober.untilAnswered(50);
    await responder.kill();
    await prober.until('flow.broken', 10);
    for (const { breakCause, evidence, onsetT, lastOkT } of prober.events('flow.broken')) {
      expect(breakCause).toBe('unreachable');
      expect(evidence).toContain('ECONNREFUSED');
      expect(onsetT - (lastOkT ?? 0)).toBeLessThan(600);
    }
    await using again = await ResponderProcess.start(responder.port);
    await prober.until('flow.recovered', 10);
    const [before] = prober.events('flow.opened');
    for (const { boot, ingress } of prober.events('flow.recovered')) {
      expect(ingress).toBe('n1');
      expect(boot).not.toBe(before?.boot);
    }
    expect(prober.events('flow.opened').length).toBe(10);
    expect(again.port).toBe(responder.port);
  });

  it('gives up the tries of a window at its edge', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port)]);
    await responder.kill();
    await prober.until('flow.broken', 10);
    prober.say({ type: 'edge' });
    prober.say({ type: 'settle' });
    const edgeT = monoMs() - prober.t0MonoMs;
    await using again = await ResponderProcess.start(responder.port);
    await prober.until('flow.opened', 20);
    // A first try was due 300 ms after each break: long past. Slack for the message's way.
    expect(prober.events('flow.mapped').filter(({ t }) => t > edgeT + 200)).toEqual([]);
    expect(again.port).toBe(responder.port);
  });
});

describe('when a path falls silent, a prober', () => {
  it('tells stalls with the onset at the first unanswered exchange, and hears UDP flows again', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    await prober.hold([aPopulation(responder.port), aPopulation(responder.port, { protocol: 'udp' })]);
    await prober.untilAnswered(100);
    responder.signal('SIGSTOP');
    await prober.until('flow.broken', 20);
    for (const { breakCause, onsetT, lastOkT, t } of prober.events('flow.broken')) {
      expect(breakCause).toBe('stalled');
      // The next exchange after the last ok one was due within an interval of it; slack for a busy machine.
      expect(onsetT - (lastOkT ?? 0)).toBeLessThan(600);
      expect(t - onsetT).toBeGreaterThan(300 - 100);
    }
    responder.signal('SIGCONT');
    await prober.until('flow.recovered', 10);
    await prober.until('flow.opened', 30);
    const tally = await prober.stop();
    expect(tally.lost).toBeGreaterThan(0);
    expect(tally.scheduled).toBe(sumOf(tally));
  });

  it('tells a short silence of a living flow when it is over, and breaks nothing', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    const slow = { stallAfterMs: 5_000 };
    await prober.hold([aPopulation(responder.port, slow), aPopulation(responder.port, { ...slow, protocol: 'udp' })]);
    await prober.untilAnswered(100);
    responder.signal('SIGSTOP');
    const pulses = prober.said.filter(({ type }) => type === 'pulse').length;
    await eventually(() => {
      expect(prober.said.filter(({ type }) => type === 'pulse').length).toBeGreaterThan(pulses + 1);
    });
    responder.signal('SIGCONT');
    await prober.until('flow.quiet', 20);
    for (const { fromT, untilT } of prober.events('flow.quiet')) expect(untilT - fromT).toBeGreaterThan(200);
    const tally = await prober.stop();
    expect(prober.events('flow.broken')).toEqual([]);
    // All were answered, though after their timeout.
    expect(tally.late).toBeGreaterThan(0);
    expect(tally.lost).toBe(0);
  });
});

describe('when it stood still itself, a prober', () => {
  it('says so, calls those seconds invalid, and loses and breaks nothing', async () => {
    await using responder = await aResponder();
    await using prober = new ProberProcess();
    await prober.hold([
      aPopulation(responder.port, patient),
      aPopulation(responder.port, { ...patient, protocol: 'udp', freshDialsPerSec: 8 }),
    ]);
    await prober.untilAnswered(100);
    for (let turn = 0; turn < 2; turn++) {
      prober.signal('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, 1_000)); // the length of the stall is what is tested
      prober.signal('SIGCONT');
      await prober.untilAnswered(200);
    }
    const tally = await prober.stop();
    const stalls = prober.events('prober.ill').filter(({ fromT, untilT }) => untilT - fromT > 900);
    expect(stalls.length).toBe(2);
    expect(tally).toMatchObject({ scheduled: sumOf(tally), lost: 0, late: 0, notSent: 0 });
    expect(prober.total(true)).toMatchObject({ lost: 0, late: 0, notSent: 0 });
    expect(prober.events('flow.broken')).toEqual([]);
    expect(prober.events('flow.quiet').filter(({ fromT, untilT }) => untilT - fromT > 900)).toEqual([]);
    for (const { fromT, untilT } of stalls) {
      const touched = prober.events('tally').filter(({ bin }) => bin >= Math.floor(fromT / 1_000) && bin <= Math.floor(untilT / 1_000));
      expect(touched.length).toBeGreaterThan(0);
      expect(touched.filter(({ invalid, scheduled }) => invalid !== scheduled)).toEqual([]);
    }
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
