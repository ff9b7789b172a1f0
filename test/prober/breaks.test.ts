// What a prober makes of breaks and silence, its own included: a real process against real responders that are killed and frozen.
import { describe, expect, it } from 'vitest';
import { monoMs } from '../../src/io/clock.ts';
import { aPopulation, PATIENT, ProberProcess, sumOf } from '../support/a-prober.ts';
import { aResponder, ResponderProcess } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';

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

  it('tells, maps and replaces each of hundreds of flows that break at once, once', async () => {
    await using responder = await ResponderProcess.start();
    await using prober = new ProberProcess();
    const count = 300;
    await prober.hold([aPopulation(responder.port, { ...PATIENT, intervalMs: 500, count })]);
    const names = prober.events('flow.opened').map(({ flow }) => flow);
    expect(names.length).toBe(count);
    await responder.kill();
    await using again = await ResponderProcess.start(responder.port);
    await prober.until('flow.opened', 2 * count);
    await prober.until('flow.mapped', count);
    const tally = await prober.stop();
    expect(
      prober
        .events('flow.broken')
        .map(({ flow }) => flow)
        .sort(),
    ).toEqual(names.sort());
    const opened = prober.events('flow.opened').slice(count);
    expect(opened.map(({ replaces }) => replaces).sort()).toEqual(names);
    expect(
      prober
        .events('flow.mapped')
        .map(({ flow }) => flow)
        .sort(),
    ).toEqual(names);
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
      aPopulation(responder.port, PATIENT),
      aPopulation(responder.port, { ...PATIENT, protocol: 'udp', freshDialsPerSec: 8 }),
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
