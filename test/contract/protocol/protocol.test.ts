// The contract of every protocol in the list, against the real responder: what the prober may rely on.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dial, type DialOutcome } from '../../../src/prober/dial.ts';
import { PROTOCOL_NAMES, PROTOCOLS } from '../../../src/prober/protocols/index.ts';
import type { Listener, Protocol, Target, Trouble } from '../../../src/prober/protocols/protocol.ts';
import type { Echo } from '../../../src/core/wire.ts';
import { aResponder, ResponderProcess } from '../../support/a-responder.ts';
import { aTarget, someTools } from '../../support/a-dial.ts';
import { eventually } from '../../support/eventually.ts';

const limits = (timeoutMs = 2_000) => ({ timeoutMs, signal: new AbortController().signal, stoodStillMs: () => 0 });

function dialTo(protocol: Protocol, target: Target, timeoutMs?: number): Promise<DialOutcome> {
  return dial(protocol, target, someTools(), limits(timeoutMs));
}

/** Another test of the machine may have the source port that was drawn: then another is drawn, and `target` says so. */
async function opened(protocol: Protocol, target: Target) {
  let outcome = await dialTo(protocol, target);
  for (let draw = 0; draw < 5 && isTaken(outcome); draw += 1) {
    target.sourcePort = aTarget(target.port).sourcePort;
    outcome = await dialTo(protocol, target);
  }
  if (outcome.kind !== 'opened') throw new Error(`not opened: ${JSON.stringify(outcome)}`);
  const { conversation } = outcome;
  const heard = { echoes: [] as Echo[], troubles: [] as Trouble[], answers: 0 };
  const listener: Listener = {
    onAnswer: () => {
      heard.answers += 1;
    },
    onUnsent: () => undefined,
    onEcho: (echo) => {
      heard.echoes.push(echo);
    },
    onTrouble: (trouble) => {
      heard.troubles.push(trouble);
    },
  };
  conversation.listener = listener;
  return {
    ...outcome,
    heard,
    [Symbol.dispose]: () => {
      conversation.reset();
    },
  };
}

function isTaken(outcome: DialOutcome): boolean {
  return outcome.kind === 'own' && outcome.evidence === 'EADDRINUSE';
}

it('lists each protocol once, under its own name', () => {
  expect(PROTOCOL_NAMES).toEqual(PROTOCOLS.map(({ name }) => name));
  expect(new Set(PROTOCOL_NAMES).size).toBe(PROTOCOLS.length);
});

describe.each(PROTOCOLS)('$name', (protocol) => {
  it('learns who answered and from where it was seen', async () => {
    await using responder = await aResponder({ node: 'n9', backend: 'web-1' });
    const target = aTarget(responder.port);
    using flow = await opened(protocol, target);
    expect(flow.answer).toMatchObject({ node: 'n9', backend: 'web-1', boot: responder.own.boot });
    expect(flow.answer).toMatchObject({ observedAddress: '127.0.0.1', observedPort: target.sourcePort });
    expect(flow.conversation.sourceAddress).toBe('127.0.0.1');
    expect(flow.rttMs).toBeGreaterThan(0);
  });

  it('speaks IPv6', async () => {
    await using responder = await aResponder({ addresses: ['::1'] });
    using flow = await opened(protocol, aTarget(responder.port, { address: '::1', sourceAddress: '::1' }));
    expect(flow.answer.observedAddress).toBe('::1');
  });

  it('tells the source address that the kernel chose', async () => {
    await using responder = await aResponder();
    using flow = await opened(protocol, aTarget(responder.port, { sourceAddress: null }));
    expect(flow.conversation.sourceAddress).toBe('127.0.0.1');
  });

  it('hears an echo of each heartbeat, of any size, with the token of the hello', async () => {
    await using responder = await aResponder();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(64, 65, 1_000, 9_000, 16_384), fc.integer({ min: 1, max: 5 }), async (payloadBytes, count) => {
        using flow = await opened(protocol, aTarget(responder.port, { payloadBytes }));
        const sent = Array.from({ length: count }, (_, index) => index + 1);
        for (const sequence of sent) expect(flow.conversation.heartbeat(sequence)).toBe(true);
        const { token, sourceHash } = flow.answer;
        await eventually(() => {
          expect(flow.heard.echoes).toEqual(sent.map((sequence) => ({ token, sourceHash, sequence })));
        });
      }),
      { numRuns: 15 },
    );
  });

  it('asks again who is there, on the same socket', async () => {
    await using responder = await aResponder();
    using flow = await opened(protocol, aTarget(responder.port));
    flow.conversation.greet();
    await eventually(() => {
      expect(flow.heard.answers).toBe(1);
    });
  });

  it('frees its 5-tuple at once when reset, so that the same one can be dialled again', async () => {
    await using responder = await aResponder();
    const target = aTarget(responder.port);
    for (let turn = 0; turn < 20; turn++) {
      using flow = await opened(protocol, target);
      flow.conversation.heartbeat(1);
    }
    expect((await dialTo(protocol, target)).kind).toBe('opened');
  });

  it('says "refused" where nobody listens', async () => {
    const { port } = await aResponder().then(async (responder) => {
      await responder.close();
      return responder;
    });
    expect(await dialTo(protocol, aTarget(port))).toMatchObject({ kind: 'failed', failure: 'refused' });
  });

  it('says "timeout" where somebody listens and does not answer', async () => {
    await using silent = await aSilentServer();
    expect(await dialTo(protocol, aTarget(silent.port), 300)).toMatchObject({ kind: 'failed', failure: 'timeout' });
  });

  it('gets no answer with the wrong key', async () => {
    await using responder = await aResponder();
    const outcome = await dial(protocol, aTarget(responder.port), someTools('not the secret at all'), limits(500));
    expect(outcome.kind).toBe('failed');
  });

  it('says that a source port in use is its own failure', async () => {
    await using responder = await aResponder();
    const target = aTarget(responder.port);
    using flow = await opened(protocol, target);
    expect(flow.answer.node).toBe('n1');
    expect((await dialTo(protocol, target)).kind).toBe('own');
  });

  it('ends a dial that is cancelled, and leaves no socket', async () => {
    await using silent = await aSilentServer();
    const cancelling = new AbortController();
    const target = aTarget(silent.port);
    const outcome = dial(protocol, target, someTools(), { ...limits(), signal: cancelling.signal });
    cancelling.abort();
    expect(await outcome).toEqual({ kind: 'cancelled' });
    await using responder = await aResponder();
    expect((await dialTo(protocol, { ...target, port: responder.port })).kind).toBe('opened');
  });

  it('is told that the responder died: the flow is over, or an ICMP error says so', async () => {
    await using responder = await ResponderProcess.start();
    using flow = await opened(protocol, aTarget(responder.port));
    await responder.kill();
    await eventually(() => {
      flow.conversation.heartbeat(1);
      expect(flow.heard.troubles.length).toBeGreaterThan(0);
    });
    const [trouble] = flow.heard.troubles;
    expect(trouble?.isOver).toBe(protocol.breaksForGood);
    expect(['reset', 'closed', 'refused']).toContain(trouble?.kind);
  });

  it('goes on with a new responder on the same socket, unless a break is for good', async () => {
    await using first = await aResponder();
    using flow = await opened(protocol, aTarget(first.port));
    await first.close();
    await using second = await aResponder({ port: first.port, node: 'n2' });
    if (protocol.breaksForGood) {
      await eventually(() => {
        expect(flow.heard.troubles).toMatchObject([{ isOver: true }]);
      });
      expect(flow.conversation.heartbeat(1)).toBe(false);
      return;
    }
    let sequence = 0;
    await eventually(() => {
      sequence += 1;
      flow.conversation.heartbeat(sequence);
      expect(flow.heard.echoes.length).toBeGreaterThan(0);
    });
    expect(flow.heard.echoes[0]?.token).not.toBe(flow.answer.token);
    expect(second.table.flows()).toMatchObject([{ flow: null }]);
  });

  it('tells nothing any more once it was reset', async () => {
    await using responder = await aResponder();
    const flow = await opened(protocol, aTarget(responder.port));
    flow.conversation.heartbeat(1);
    flow.conversation.reset();
    flow.conversation.reset();
    await responder.close();
    expect(flow.conversation.heartbeat(2)).toBe(false);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(flow.heard).toEqual({ echoes: [], troubles: [], answers: 0 });
  });
});

/** A port of 127.0.0.1 whose TCP connections and datagrams are taken and never answered. */
async function aSilentServer() {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(address.port, '127.0.0.1', resolve));
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
