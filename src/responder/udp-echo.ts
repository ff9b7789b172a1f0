// UDP behind the VIP: one socket per address, so that every reply leaves from the address that was asked.
//
// One socket on the wildcard would not do: the kernel picks the source of its replies by the route back, which on a node that
// holds the VIP on `lo` is the uplink's address, and Node has no IP_PKTINFO to say otherwise.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import { isSealedHeartbeat, MessageType, readHeader, turnIntoEcho } from '../core/wire.ts';
import type { FlowEntry, FlowTable } from './flow-table.ts';
import { listenError } from './listen-error.ts';
import { hashOf, type OwnIdentity } from './own-identity.ts';

/** All flows of an address share one socket; the kernel gives as much of this as net.core.rmem_max allows. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

type UdpFlow = { entry: FlowEntry; sourceHash: bigint };

/**
 * Binds and serves until the socket is closed.
 * @throws AppError PORT_TAKEN, NOT_PERMITTED, PREFLIGHT
 */
export async function serveUdp(own: OwnIdentity, table: FlowTable, at: { address: string; port: number }): Promise<Socket> {
  const family = familyOf(at.address);
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // Only literal addresses are ever sent to: no resolver, and no detour through the next tick for each reply.
    lookup: (hostname, _options, callback) => {
      callback(null, hostname, family);
    },
  });
  const flows = new Map<string, UdpFlow>();
  socket.on('message', (message, from) => {
    answer(message, from, { own, table, flows, socket });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: at.address, port: at.port, exclusive: true }, resolve);
  }).catch((cause: unknown) => {
    socket.close();
    throw listenError('UDP', at, cause);
  });
  socket.on('error', () => undefined); // an unreachable client: the next datagram is none the worse
  return socket;
}

type Context = { own: OwnIdentity; table: FlowTable; flows: Map<string, UdpFlow>; socket: Socket };

/** Answers what proves a key, with at most as many bytes; all else is dropped, so that nobody can be flooded by us. */
function answer(message: Buffer, from: RemoteInfo, context: Context): void {
  const header = readHeader(message);
  if (header?.bytes !== message.byteLength) return;
  switch (header.type) {
    case MessageType.hello: {
      const observed = { address: canonicalAddress(from.address) ?? from.address, port: from.port };
      const greeting = context.own.greet(message, header, observed);
      if (!greeting) return;
      const flow = flowOf(from, greeting.sourceHash, context);
      context.table.greeted(flow.entry, greeting.hello);
      reply(greeting.answer, from, context.socket);
      return;
    }
    case MessageType.heartbeat: {
      const acquaintance = context.own.byKeyId(header.keyId);
      if (!acquaintance || !isSealedHeartbeat(message, acquaintance.key.mac)) return;
      const known = context.flows.get(nameOf(from));
      const observed = { address: canonicalAddress(from.address) ?? from.address, port: from.port };
      const flow = known ?? flowOf(from, hashOf(observed, acquaintance.key), context);
      context.table.echoed(flow.entry);
      turnIntoEcho(message, { token: acquaintance.token, sourceHash: flow.sourceHash });
      reply(message, from, context.socket);
      return;
    }
    case MessageType.answer:
    case MessageType.echo:
  }
}

function reply(message: Uint8Array, to: RemoteInfo, socket: Socket): void {
  socket.send(message, to.port, to.address, () => undefined); // a reply that cannot leave is a lost one
}

function nameOf(from: RemoteInfo): string {
  return `${from.address} ${String(from.port)}`;
}

function flowOf(from: RemoteInfo, sourceHash: bigint, { table, flows }: Context): UdpFlow {
  const name = nameOf(from);
  const known = flows.get(name);
  if (known) return known;
  const entry = table.enter({ protocol: 'udp', sourceAddress: canonicalAddress(from.address) ?? from.address, sourcePort: from.port }, () =>
    flows.delete(name),
  );
  const flow = { entry, sourceHash };
  flows.set(name, flow);
  return flow;
}
