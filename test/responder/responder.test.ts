import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeAnswer, encodeHeartbeat, encodeHello, HELLO_BYTES, type Mac, sealHeartbeat, turnIntoEcho } from '../../src/core/wire.ts';
import { dial } from '../../src/prober/dial.ts';
import { tcp } from '../../src/prober/protocols/tcp.ts';
import { udp } from '../../src/prober/protocols/udp.ts';
import { aResponder, ResponderProcess } from '../support/a-responder.ts';
import { aTarget, someTools } from '../support/a-dial.ts';
import { eventually } from '../support/eventually.ts';

const { keyId, mac, runTag } = someTools();
const stranger = someTools('not the secret at all');
const limits = { timeoutMs: 2_000, signal: new AbortController().signal, stoodStillMs: () => 0 };

function aHello(seal: Mac = mac): Uint8Array {
  return encodeHello({ keyId, runTag, flow: 1, nonce: 2n, intervalMs: 500 }, seal);
}

function aHeartbeat(seal: Mac = mac, bytes = 64): Uint8Array {
  const message = encodeHeartbeat({ keyId, runTag, flow: 1, bytes });
  sealHeartbeat(message, seal);
  return message;
}

/** Sends each datagram, then one that is sure to be answered; what came back before that answer is all there was. */
async function answersTo(port: number, datagrams: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.connect(port, '127.0.0.1', resolve);
  });
  const answers: Buffer[] = [];
  socket.on('message', (message) => answers.push(message));
  for (const datagram of datagrams) socket.send(datagram);
  const last = 777;
  await eventually(() => {
    socket.send(aHeartbeat(mac, last));
    expect(answers.at(-1)?.byteLength).toBe(last);
  });
  socket.close();
  return answers.filter(({ byteLength }) => byteLength !== last);
}

describe('a responder', () => {
  it('answers a hello and a heartbeat over UDP with at most as many bytes', async () => {
    await using responder = await aResponder({ node: 'n'.repeat(63), backend: 'b'.repeat(500) });
    const answers = await answersTo(responder.port, [aHello(), aHeartbeat(), aHeartbeat(mac, 9_000)]);
    expect(answers.map(({ byteLength }) => byteLength).slice(1)).toEqual([64, 9_000]);
    expect(answers[0]?.byteLength).toBeLessThanOrEqual(HELLO_BYTES);
  });

  it('answers no datagram that proves nothing, and no answer of its own kind: two responders cannot be set upon each other', async () => {
    await using responder = await aResponder();
    const echo = aHeartbeat();
    turnIntoEcho(echo, { token: 1n, sourceHash: 2n });
    const answer = encodeAnswer(
      { token: 1n, nonce: 2n, sourceHash: 3n, observedPort: 4, observedAddress: '::1', node: 'n', backend: 'b', boot: 'x' },
      keyId,
      mac,
    );
    const unanswerable = [aHello(stranger.mac), aHeartbeat(stranger.mac), echo, answer, aHello().subarray(0, 500), new Uint8Array(64)];
    expect(await answersTo(responder.port, unanswerable)).toEqual([]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 1_200 }), { maxLength: 20 }), async (datagrams) => {
        expect(await answersTo(responder.port, datagrams)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it.each([
    ['a hello sealed with another key', aHello(stranger.mac)],
    ['a heartbeat before any hello', aHeartbeat()],
    ['something else altogether', new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
  ])('closes a TCP connection that begins with %s, without a byte', async (_what, message) => {
    await using responder = await aResponder();
    const socket = connect(responder.port, '127.0.0.1');
    let received = 0;
    socket.on('data', (chunk) => (received += chunk.byteLength)).on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(message);
    await closed;
    expect(received).toBe(0);
    expect(responder.table.flows()).toEqual([]);
  });

  it('keeps a table of the flows it serves, and forgets those that were closed', async () => {
    await using responder = await aResponder();
    const target = aTarget(responder.port, { flow: 42 });
    const tools = someTools();
    const [overTcp, overUdp] = await Promise.all([dial(tcp, target, tools, limits), dial(udp, target, tools, limits)]);
    if (overTcp.kind !== 'opened' || overUdp.kind !== 'opened') throw new Error('not opened');
    overTcp.conversation.heartbeat(1);
    const common = { sourceAddress: '127.0.0.1', sourcePort: target.sourcePort, flow: 42, runTag: tools.runTag };
    await eventually(() => {
      const flows = responder.table.flows().sort((a, b) => a.protocol.localeCompare(b.protocol));
      expect(flows).toEqual([
        { ...common, protocol: 'tcp', echoes: 1 },
        { ...common, protocol: 'udp', echoes: 0 },
      ]);
    });
    overTcp.conversation.reset();
    overUdp.conversation.reset();
    await eventually(() => {
      expect(responder.table.flows().map(({ protocol }) => protocol)).toEqual(['udp']);
    });
  });

  it('reaps a flow that falls silent, with a reset, but not before four of its heartbeats', async () => {
    let nowMs = 0;
    await using responder = await aResponder({ reapAfterMs: 1_000, now: () => nowMs });
    const troubles: string[] = [];
    for (const intervalMs of [100, 1_000]) {
      const outcome = await dial(tcp, aTarget(responder.port, { intervalMs }), someTools(), limits);
      if (outcome.kind !== 'opened') throw new Error('not opened');
      outcome.conversation.listener = {
        onAnswer: () => undefined,
        onUnsent: () => undefined,
        onEcho: () => undefined,
        onTrouble: ({ kind }) => troubles.push(`${String(intervalMs)} ${kind}`),
      };
    }
    nowMs = 1_100;
    await eventually(() => {
      expect(troubles).toEqual(['100 reset']);
    });
    nowMs = 4_100;
    await eventually(() => {
      expect(troubles).toEqual(['100 reset', '1000 reset']);
    });
    expect(responder.table.counts()).toEqual({ tcp: 0, udp: 0, reaped: 2 });
  });

  it('serves no more flows than it was told to: the oldest gives way', async () => {
    await using responder = await aResponder({ maxFlows: 3 });
    for (let flow = 1; flow <= 5; flow++) await dial(udp, aTarget(responder.port, { flow }), someTools(), limits);
    expect(responder.table.flows().map(({ flow }) => flow)).toEqual([3, 4, 5]);
  });

  it('answers UDP from the address that was asked, on every address of the machine', async () => {
    await using responder = await aResponder({ addresses: [] });
    expect(responder.addresses).toContain('127.0.0.1');
    for (const address of responder.addresses) {
      // A connected socket hears nothing from any other address.
      const outcome = await dial(udp, aTarget(responder.port, { address, sourceAddress: null }), someTools(), limits);
      expect({ address, kind: outcome.kind }).toEqual({ address, kind: 'opened' });
      if (outcome.kind === 'opened') outcome.conversation.reset();
    }
  });

  it('says which TCP port is taken', async () => {
    await using first = await aResponder();
    const { port } = first;
    await expect(aResponder({ port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `cannot listen on TCP port ${String(port)} of 127.0.0.1: another program holds it`,
    });
  });

  it('says which UDP port is taken, and leaves no TCP port open then', async () => {
    const socket: UdpSocket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    await expect(aResponder({ port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: `cannot listen on UDP port ${String(port)} of 127.0.0.1: another program holds it`,
    });
    await new Promise<void>((resolve) => socket.close(resolve));
    await using responder = await aResponder({ port });
    expect(responder.port).toBe(port);
  });

  it('knows several keys at once, each by its id', async () => {
    const old = someTools();
    await using responder = await aResponder({
      keys: [
        { id: old.keyId, mac: old.mac, tag: () => 1n },
        { id: stranger.keyId, mac: stranger.mac, tag: () => 2n },
      ],
    });
    for (const [tools, token] of [
      [old, 1n],
      [stranger, 2n],
    ] as const) {
      expect(await dial(udp, aTarget(responder.port), tools, limits)).toMatchObject({ kind: 'opened', answer: { token } });
    }
  });

  it('is another boot with another token after a restart', async () => {
    const tokens = new Set<unknown>();
    for (let turn = 0; turn < 2; turn++) {
      await using responder = await aResponder();
      const outcome = await dial(udp, aTarget(responder.port), someTools(), limits);
      if (outcome.kind === 'opened') tokens.add(outcome.answer.token).add(outcome.answer.boot);
    }
    expect(tokens.size).toBe(4);
  });
});

describe('holdfast respond', () => {
  it.each([
    [
      'SIGTERM',
      (responder: ResponderProcess) => {
        responder.signal('SIGTERM');
      },
    ],
    [
      'the end of the process that started it',
      (responder: ResponderProcess) => {
        responder.leaveAlone();
      },
    ],
  ])('ends in order on %s, closing its flows', async (_what, end) => {
    await using responder = await ResponderProcess.start();
    const outcome = await dial(tcp, aTarget(responder.port), someTools(), limits);
    if (outcome.kind !== 'opened') throw new Error('not opened');
    const trouble = new Promise<string>((resolve) => {
      outcome.conversation.listener = {
        onAnswer: () => undefined,
        onUnsent: () => undefined,
        onEcho: () => undefined,
        onTrouble: ({ kind }) => {
          resolve(kind);
        },
      };
    });
    end(responder);
    expect(await trouble).toBe('closed');
    expect(await responder.exited()).toBe(0);
  });

  it('survives noise on its port', async () => {
    await using responder = await ResponderProcess.start();
    const socket = connect(responder.port, '127.0.0.1');
    socket.on('error', () => undefined).write(randomBytes(5_000));
    await new Promise((resolve) => socket.once('close', resolve));
    expect((await dial(tcp, aTarget(responder.port), someTools(), limits)).kind).toBe('opened');
  });
});
