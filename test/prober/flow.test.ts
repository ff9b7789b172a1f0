// What a held flow tells of its own silence, on a clock of the test's.
import { expect, test } from 'vitest';
import { Flow } from '../../src/prober/flow.ts';
import type { Holding } from '../../src/prober/holding.ts';
import { IdentityCache } from '../../src/prober/identity-cache.ts';
import type { Conversation } from '../../src/prober/protocols/protocol.ts';
import { udp } from '../../src/prober/protocols/udp.ts';
import { SelfHealth } from '../../src/prober/self-health.ts';
import { TallyBook } from '../../src/prober/tally-book.ts';
import { aPopulation } from '../support/a-prober.ts';

test('that the address has left is told before the silences it explains, and once for all flows of a tick', () => {
  const told: string[] = [];
  let nowT = 0;
  const readings = { kernelDrops: () => 0, suspendedMs: () => 0, hasAddresses: () => nowT < 300 };
  const health = new SelfHealth(0, readings, ({ fromT, untilT }) => told.push(`ill ${String(fromT)}-${String(untilT)}`));
  const holding: Holding = {
    ...{ population: aPopulation(7_000, { protocol: 'udp' }), protocol: udp, nodes: [], identities: new IdentityCache(), health },
    account: { vip: 'web', protocol: 'udp', fresh: false },
    book: new TallyBook({ finalAfterMs: 0, isIll: () => false, tell: () => undefined }),
    tell: (_t, type) => told.push(type),
    nowT: () => nowT,
  };
  const flows = [1, 2].map((index) => aSilentFlow(index, holding));
  for (nowT = 10; nowT <= 1_000; nowT += 10) {
    health.tick(nowT);
    for (const [sequence, flow] of flows.entries()) if (nowT % 100 === 0) flow.send({ sequence: nowT + sequence, dueT: nowT });
    if (nowT === 1_000) health.read(nowT);
    for (const flow of flows) flow.judge(nowT, true);
  }
  expect(told.slice(2)).toEqual(['ill 0-400', 'flow.broken', 'flow.broken', 'ill 400-1000']);
});

function aSilentFlow(flow: number, holding: Holding): Flow {
  const conversation = { sourceAddress: '192.0.2.1', heartbeat: () => true } as unknown as Conversation;
  const target = {
    address: '127.0.0.1',
    port: 7_000,
    sourceAddress: null,
    sourcePort: 10_000 + flow,
    flow,
    intervalMs: 100,
    payloadBytes: 64,
  };
  const observed = { observedAddress: '192.0.2.1', observedPort: 10_000 + flow };
  const answer = { token: 1n, sourceHash: 1n, nonce: 1n, node: 'n1', backend: 'b1', boot: 'x', ...observed };
  const opened = { id: `v1/${String(flow)}`, target, conversation, answer: answer as never, rttMs: 1, replaces: null };
  return new Flow(opened, holding, () => undefined);
}
