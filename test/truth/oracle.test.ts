// The oracle itself: packets that tell a story, findings that tell it too, and findings that do not.
import { beforeEach, describe, expect, it } from 'vitest';
import { conversationsOf } from './conversations.ts';
import { type Judgement, judge } from './oracle.ts';
import type { Line, RunFiles } from './run-files.ts';
import { CLIENT, Connection, INTERVAL_MS, udpBeats, VIP, Wire, ZERO_UNIX_MS } from './support/some-packets.ts';

const HOLDING = { intervalMs: INTERVAL_MS, stallAfterMs: 3 * INTERVAL_MS };
/** Baseline from 1 s, fault from 5 s, recovery from 13 s to 20 s. */
const RUN: RunFiles = {
  wallClockMs: ZERO_UNIX_MS,
  windows: [
    { fromT: 1_000, untilT: 5_000 },
    { fromT: 5_000, untilT: 13_000 },
    { fromT: 13_000, untilT: 20_000 },
  ],
  holdings: new Map([
    [`tcp ${VIP}`, HOLDING],
    [`udp ${VIP}`, HOLDING],
  ]),
};

function aLine(event: number, port: number, line: Partial<Line> = {}): Line {
  const tuple = { protocol: 'tcp', sourceAddress: CLIENT, sourcePort: port, vip: VIP, port: 7000 };
  return {
    event,
    flowId: `v1/${String(port)}`,
    ...tuple,
    ingressBefore: 'n1',
    ingressAfter: 'n1',
    ...{ backendBefore: null, backendAfter: null, observedSourceBefore: null, observedSourceAfter: null },
    broken: false,
    breakCause: null,
    blame: null,
    ...line,
  };
}

let wire: Wire;
let ports: number;
beforeEach(() => {
  wire = new Wire();
  ports = 40_000;
});

/** A new flow through `node` that is held from 0.1 s on until `untilT`. */
function aFlow(node: string, untilT: number): { port: number; flow: Connection } {
  const port = ports++;
  const flow = new Connection(wire, port, 1_000).dial(node, 100).beat(node, 300, untilT);
  return { port, flow };
}

function judged(...lines: Line[]): Judgement {
  return judge(conversationsOf(wire.captures, ZERO_UNIX_MS), RUN, lines);
}

/** Expects the right lines to be agreed with, and each of them, once it is wrong in any one thing, to be noticed. */
function expectExactly(...lines: Line[]): void {
  expect(judged(...lines)).toEqual({ disagreements: [], agreed: lines.length, borderline: 0, inDoubt: 0 });
  for (const [index, line] of lines.entries()) {
    const wrongs: Partial<Line>[] = [
      { ingressBefore: 'n7' },
      { ingressAfter: line.ingressAfter === null ? 'n1' : null },
      { broken: !line.broken },
      { breakCause: line.breakCause === 'reset' ? 'stalled' : 'reset' },
      { event: line.event + 1 },
      { sourcePort: 999 },
    ];
    for (const wrong of wrongs)
      expect(judged(...lines.with(index, { ...line, ...wrong })).disagreements, JSON.stringify(wrong)).not.toEqual([]);
    expect(judged(...lines.toSpliced(index, 1)).disagreements).toMatchObject([{ says: 'no line' }]);
  }
}

describe('what packets say of a TCP flow', () => {
  it('one that is answered all the time is whole in every window; its final map is where its last dial was answered', () => {
    const { port, flow } = aFlow('n1', 20_000);
    flow.giveUp('n1', 20_010);
    new Connection(wire, port, 5_000_000).dial('n2', 20_050).giveUp('n2', 20_060);
    expectExactly(aLine(0, port), aLine(1, port), aLine(2, port, { ingressAfter: 'n2' }));
  });

  it('one that reaches a node that does not know it is reset, and its 5-tuple maps to that node', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.ask('n2', 5_300).isReset('n2', 5_300);
    new Connection(wire, port, 5_000_000).dial('n2', 5_700).giveUp('n2', 5_710);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'reset', ingressAfter: 'n2' }));
  });

  it('the last answered dial inside the window of the break counts, not one after it', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.ask('n2', 5_300).isReset('n2', 5_300);
    new Connection(wire, port, 5_000_000).dial('n2', 5_700).giveUp('n2', 5_710);
    new Connection(wire, port, 9_000_000).dial('n3', 7_700).giveUp('n3', 7_710);
    new Connection(wire, port, 13_000_000).dial('n1', 13_500).giveUp('n1', 13_510);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'reset', ingressAfter: 'n3' }));
  });

  it('one that its server closes is closed, even when a reset follows', () => {
    const { port, flow } = aFlow('n1', 6_000);
    flow.isClosed('n1', 6_100).ask('n1', 6_300).isReset('n1', 6_300);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'closed', ingressAfter: null }));
  });

  it('one that stands unanswered until its client gives up is stalled, since its first unanswered request', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.ask('n2', 5_310).ask('n2', 5_800).ask('n2', 6_300).giveUp('n2', 6_820);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'stalled', ingressAfter: null }));
  });

  it('one whose node lost its link is stalled although nobody saw what it asked', () => {
    const { port } = aFlow('n1', 5_000);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'stalled', ingressAfter: null }));
  });

  it('a server that gives up a silent flow long after its client did, does not change the cause', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.isReset('n1', 15_000);
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'stalled', ingressAfter: null }));
  });

  it('late words of a dead connection are not taken for those of the next one on its 5-tuple', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.ask('n2', 5_300).isReset('n2', 5_300);
    new Connection(wire, port, 5_000_000).dial('n2', 5_700);
    flow.beat('n1', 5_800, 5_900); // the old node answers what it had queued
    expectExactly(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'reset', ingressAfter: 'n2' }));
  });

  it('a fresh dial is no flow, and a flow opened after an edge has no line in the window before', () => {
    new Connection(wire, 50_000, 1_000).dial('n1', 4_990).giveUp('n1', 5_010);
    new Connection(wire, 50_001, 1_000).dial('n3', 6_000).beat('n3', 6_200, 20_000);
    expectExactly(aLine(2, 50_001, { ingressBefore: 'n3', ingressAfter: 'n3' }));
  });

  it('one that its client ended in good health is not broken, and not there any more', () => {
    const { port, flow } = aFlow('n1', 6_000);
    flow.giveUp('n1', 6_010);
    expectExactly(aLine(0, port), aLine(1, port));
  });
});

describe('what packets say of a UDP flow', () => {
  const udp = (event: number, line: Partial<Line> = {}) => aLine(event, 45_000, { protocol: 'udp', ...line });
  const beats = (node: string, fromT: number, untilT: number, answered: boolean | 'unreachable' = true) => {
    udpBeats(wire, { port: 45_000, node, fromT, untilT, answered });
  };

  it('it is where its last answer came from, and may go and come back without breaking', () => {
    beats('n1', 100, 5_100);
    beats('n2', 5_100, 15_000);
    beats('n1', 15_000, 20_000);
    expectExactly(udp(0), udp(1, { ingressAfter: 'n2' }), udp(2, { ingressBefore: 'n2' }));
  });

  it('it is broken while it is silent for three intervals, seen or not, and whole again afterwards', () => {
    beats('n1', 100, 5_100);
    beats('n3', 10_000, 20_000);
    expectExactly(
      udp(0),
      udp(1, { broken: true, breakCause: 'stalled', ingressAfter: 'n3' }),
      udp(2, { ingressBefore: 'n3', ingressAfter: 'n3' }),
    );
  });

  it('a shorter silence breaks nothing', () => {
    beats('n1', 100, 5_100);
    beats('n1', 5_100, 6_000, false);
    beats('n3', 6_100, 20_000);
    expectExactly(udp(0), udp(1, { ingressAfter: 'n3' }), udp(2, { ingressBefore: 'n3', ingressAfter: 'n3' }));
  });

  it('a node that says so makes it unreachable; one that is silent to the end leads nowhere', () => {
    beats('n1', 100, 14_100);
    beats('n1', 14_100, 20_000, 'unreachable');
    expectExactly(udp(0), udp(1), udp(2, { broken: true, breakCause: 'unreachable', ingressAfter: null }));
  });
});

describe('the judgement', () => {
  it('takes a silence of just three intervals either way: the answer and the prober’s tick race', () => {
    udpBeats(wire, { port: 45_000, node: 'n1', fromT: 100, untilT: 5_100, answered: true });
    udpBeats(wire, { port: 45_000, node: 'n1', fromT: 6_600, untilT: 20_000, answered: true });
    const line = (event: number, broken: boolean) =>
      aLine(event, 45_000, { protocol: 'udp', broken, breakCause: broken ? 'stalled' : null });
    for (const isBroken of [true, false]) expect(judged(line(0, false), line(1, isBroken), line(2, false)).disagreements).toEqual([]);
  });

  it('counts a break that the report leaves in doubt, and judges where the flow was all the same', () => {
    const { port } = aFlow('n1', 20_000);
    const doubted = aLine(1, port, { broken: true, breakCause: 'stalled', blame: 'prober' });
    expect(judged(aLine(0, port), doubted, aLine(2, port))).toEqual({ disagreements: [], agreed: 3, borderline: 0, inDoubt: 1 });
    expect(judged(aLine(0, port), { ...doubted, ingressBefore: 'n2' }, aLine(2, port)).disagreements).toHaveLength(1);
  });

  it('tells of a line that stands twice and of a flow that never was', () => {
    const { port } = aFlow('n1', 20_000);
    const lines = [aLine(0, port), aLine(1, port), aLine(2, port)];
    expect(judged(...lines, aLine(1, port)).disagreements).toMatchObject([{ event: 1, because: 'a second line' }]);
    expect(judged(...lines, aLine(1, 50_000)).disagreements).toMatchObject([{ event: 1, packets: 'no such flow' }]);
  });

  it('takes an instant at the very edge either way, and counts that it did', () => {
    const { port, flow } = aFlow('n1', 5_000);
    flow.ask('n2', 4_990).isReset('n2', 4_990);
    const early = judged(aLine(0, port, { broken: true, breakCause: 'reset', ingressAfter: null }));
    const late = judged(aLine(0, port), aLine(1, port, { broken: true, breakCause: 'reset', ingressAfter: null }));
    expect([early.disagreements, late.disagreements]).toEqual([[], []]);
    expect(early.borderline + late.borderline).toBeGreaterThan(0);
  });
});
