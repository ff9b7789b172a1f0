// One dial of one 5-tuple: who answers? The lab's own check, independent of the prober.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { familyOf } from '../core/addresses.ts';
import { messageOf } from '../core/errors.ts';
import { Framer } from '../core/framing.ts';
import { type Answer, decodeAnswer, encodeHello, MessageType, readHeader } from '../core/wire.ts';
import type { EnvironmentKey } from '../io/environment-key.ts';

export type FiveTuple = { protocol: 'tcp' | 'udp'; sourceAddress: string; sourcePort: number; address: string; port: number };
export type DialResult = { answer: Answer } | { failure: string };

const PATIENCE_MS = 1_500;

/** Dials once, takes the answer to a hello, and leaves nothing behind: a TCP socket is closed by a reset, so that the same port is free at once. */
export async function dial(tuple: FiveTuple, key: EnvironmentKey): Promise<DialResult> {
  const hello = encodeHello({ keyId: key.id, runTag: 0n, flow: 0, nonce: BigInt(tuple.sourcePort), intervalMs: PATIENCE_MS }, key.mac);
  return await (tuple.protocol === 'tcp' ? dialTcp(tuple, hello, key) : dialUdp(tuple, hello, key));
}

async function dialTcp(tuple: FiveTuple, hello: Uint8Array, key: EnvironmentKey): Promise<DialResult> {
  const socket = connect({ host: tuple.address, port: tuple.port, localAddress: tuple.sourceAddress, localPort: tuple.sourcePort });
  const framer = new Framer();
  try {
    return await new Promise((resolve) => {
      socket.setTimeout(PATIENCE_MS, () => {
        resolve({ failure: 'timeout' });
      });
      socket.on('error', (error) => {
        resolve({ failure: messageOf(error) });
      });
      socket.on('close', () => {
        resolve({ failure: 'closed' });
      });
      socket.on('data', (chunk) => {
        framer.push(chunk, (message) => {
          resolve(resultOf(message, key));
        });
      });
      socket.write(hello);
    });
  } finally {
    socket.resetAndDestroy();
  }
}

async function dialUdp(tuple: FiveTuple, hello: Uint8Array, key: EnvironmentKey): Promise<DialResult> {
  const socket = createSocket(familyOf(tuple.address) === 4 ? 'udp4' : 'udp6');
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({ failure: 'timeout' });
      }, PATIENCE_MS);
      socket.on('error', (error) => {
        clearTimeout(timer);
        resolve({ failure: messageOf(error) });
      });
      socket.on('message', (message) => {
        clearTimeout(timer);
        resolve(resultOf(message, key));
      });
      socket.bind(tuple.sourcePort, tuple.sourceAddress, () => {
        // Connected, or a refusal would never be told.
        socket.connect(tuple.port, tuple.address, () => {
          socket.send(hello);
        });
      });
    });
  } finally {
    await new Promise<void>((resolve) => {
      socket.close(resolve);
    });
  }
}

function resultOf(message: Uint8Array, key: EnvironmentKey): DialResult {
  const answer = readHeader(message)?.type === MessageType.answer ? decodeAnswer(message, key.mac) : null;
  return answer ? { answer } : { failure: 'an answer that is not understood' };
}
