// Which pod gave an answer, and whom it saw, told by what address translation leaves as it was.
import { expect, it } from 'vitest';
import type { Packet } from './captured-packets.ts';
import { conversationsOf } from './conversations.ts';
import { NatTwins } from './nat-twins.ts';
import { judge } from './oracle.ts';
import { CLIENT, INTERVAL_MS, VIP, Wire, ZERO_UNIX_MS } from './support/some-packets.ts';

const POD = '10.77.22.2';
const NODE = '10.77.1.11';

function fromPod(t: number, fingerprint: string, clientAddress: string): Packet {
  const wire = new Wire();
  wire.add('n1', t, { direction: 'in', protocol: 'udp', clientAddress, vipAddress: POD, fingerprint, payloadBytes: 64 });
  const [packet] = wire.captures[0]?.packets ?? [];
  if (!packet) throw new Error('no packet');
  return packet;
}

it('an answer is the pod’s that sent the same just before, and its source is whom the pod sent it to', () => {
  const twins = new NatTwins([
    { pod: 'web-1', packets: [fromPod(1_000, 'a', NODE)] },
    { pod: 'web-2', packets: [fromPod(1_000, 'b', CLIENT)] },
  ]);
  expect(twins.behind({ fingerprint: 'a', unixMs: ZERO_UNIX_MS + 1_001 })).toEqual({ backend: 'web-1', observedSource: NODE });
  expect(twins.behind({ fingerprint: 'b', unixMs: ZERO_UNIX_MS + 1_001 })).toEqual({ backend: 'web-2', observedSource: CLIENT });
});

it('nobody is behind an answer that no pod sent, or sent long ago, or that two sent', () => {
  const twins = new NatTwins([
    { pod: 'web-1', packets: [fromPod(1_000, 'a', NODE), fromPod(5_000, 'c', NODE)] },
    { pod: 'web-2', packets: [fromPod(1_000, 'a', NODE)] },
  ]);
  expect(twins.behind({ fingerprint: 'a', unixMs: ZERO_UNIX_MS + 1_001 })).toBeNull();
  expect(twins.behind({ fingerprint: 'b', unixMs: ZERO_UNIX_MS + 1_001 })).toBeNull();
  expect(twins.behind({ fingerprint: 'c', unixMs: ZERO_UNIX_MS + 9_000 })).toBeNull();
  expect(twins.behind({ fingerprint: null, unixMs: ZERO_UNIX_MS + 1_001 })).toBeNull();
});

it('what a client sends to a pod is no answer', () => {
  const towards = { ...fromPod(1_000, 'a', NODE), direction: 'out' as const };
  expect(new NatTwins([{ pod: 'web-1', packets: [towards] }]).behind({ fingerprint: 'a', unixMs: ZERO_UNIX_MS + 1_000 })).toBeNull();
});

it('a line that names another pod, or another source, is told where pods were captured, and only there', () => {
  const wire = new Wire();
  const pod: Packet[] = [];
  for (let t = 0; t < 10_000; t += INTERVAL_MS) {
    const packet = { protocol: 'udp', payloadBytes: 64 } as const;
    wire.add('n1', t, { ...packet, messageType: 3 });
    pod.push(fromPod(t + 1, `echo ${String(t)}`, NODE));
    wire.add('n1', t + 2, { ...packet, direction: 'out', messageType: 4, fingerprint: `echo ${String(t)}` });
  }
  const holding = { intervalMs: INTERVAL_MS, stallAfterMs: 3 * INTERVAL_MS };
  const run = { wallClockMs: ZERO_UNIX_MS, windows: [{ fromT: 1_000, untilT: 9_000 }], holdings: new Map([[`udp ${VIP}`, holding]]) };
  const conversations = conversationsOf(wire.captures, ZERO_UNIX_MS, new NatTwins([{ pod: 'web-1', packets: pod }]));
  const line = {
    ...{ event: 0, flowId: 'v1/1', protocol: 'udp', sourceAddress: CLIENT, sourcePort: 40_000, vip: VIP, port: 7000 },
    ...{ ingressBefore: 'n1', ingressAfter: 'n1', broken: false, breakCause: null, blame: null },
    ...{ backendBefore: 'web-1', backendAfter: 'web-1', observedSourceBefore: NODE, observedSourceAfter: NODE },
  };
  const wrongs = [
    { backendBefore: 'web-2' },
    { backendAfter: null },
    { observedSourceBefore: CLIENT },
    { observedSourceAfter: '10.77.1.12' },
  ];
  expect(judge(conversations, { ...run, seesPods: true }, [line])).toMatchObject({ disagreements: [], agreed: 1 });
  for (const wrong of wrongs) {
    expect(judge(conversations, { ...run, seesPods: true }, [{ ...line, ...wrong }]).disagreements).toMatchObject([{ says: wrong }]);
    expect(judge(conversations, run, [{ ...line, ...wrong }]).disagreements).toEqual([]);
  }
});
