// Keeping a node known to its API server: registered, its Lease renewed, its status told, and told again where somebody else wrote another.
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeClient, type KubeObject, RESOURCES } from '../../cluster/kube-client.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import {
  conditionTimes,
  LEASE_NAMESPACE,
  leaseObject,
  LEASES,
  leaseSpec,
  needsCorrection,
  type NodeFacts,
  nodeLabels,
  nodeObject,
  nodeStatus,
} from './node-objects.ts';

/** A kubelet's own intervals: a quarter of the Lease's duration, and a status that nothing changed. */
const RENEW_EVERY_MS = 10_000;
const STATUS_EVERY_MS = 300_000;
const AGAIN_MS = 1_000;
const CALL_MS = 10_000;

/** Runs until `signal` aborts; whatever the server does, it tries again. */
export async function keepNode(client: KubeClient, facts: NodeFacts, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  const bell = newBell();
  let isKnownReady = false;
  const look = (node: KubeObject | null) => {
    isKnownReady = node !== null && !needsCorrection(node);
    if (!isKnownReady) bell.ring();
  };
  const following = await client.follow(
    RESOURCES.nodes,
    { fieldSelector: `metadata.name=${facts.name}` },
    {
      onSync: ([node = null]) => {
        look(node);
      },
      onChange: ({ type, object }) => {
        look(type === 'DELETED' ? null : object);
      },
      onBlind: (reason) => {
        log(`the node ${facts.name} is not seen: ${reason}`);
      },
    },
  );
  let renewedMs = -Infinity;
  let toldMs = -Infinity;
  while (!signal.aborted) {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]);
    try {
      if (!isKnownReady || performance.now() - toldMs >= STATUS_EVERY_MS) {
        await tellStatus(client, facts, bounded);
        toldMs = performance.now();
        isKnownReady = true; // until the follower says otherwise
      }
      if (performance.now() - renewedMs >= RENEW_EVERY_MS) {
        await renewLease(client, facts.name, bounded);
        renewedMs = performance.now();
      }
      await bell.wait(Math.max(0, renewedMs + RENEW_EVERY_MS - performance.now()), signal);
    } catch (error) {
      log(`the node ${facts.name} could not be told of: ${messageOf(error)}`);
      // Not at each ring: a server that refuses would be asked without a pause.
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  await following[Symbol.asyncDispose]();
}

async function tellStatus(client: KubeClient, facts: NodeFacts, signal: AbortSignal): Promise<void> {
  const ref = { resource: RESOURCES.nodes, name: facts.name };
  const found = await client.get(ref, signal);
  if (found === null) {
    await client.create(RESOURCES.nodes, nodeObject(facts), {}, signal).catch(unlessCode('CONFLICT'));
  } else {
    const labels = nodeLabels(facts.name, facts.architecture);
    const isLabelled = Object.entries(labels).every(([key, value]) => found.metadata.labels?.[key] === value);
    if (!isLabelled) await client.patch(ref, { kind: 'merge', body: { metadata: { labels } } }, {}, signal);
  }
  const status = nodeStatus(facts, timeNow(), found ? conditionTimes(found) : {});
  await client.patch({ ...ref, subresource: 'status' }, { kind: 'strategic', body: { status } }, {}, signal);
}

async function renewLease(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  // MicroTime wants six digits.
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const ref = { resource: LEASES, namespace: LEASE_NAMESPACE, name };
  if ((await client.get(ref, signal)) === null) {
    await client.create(LEASES, leaseObject(name, renewTime), {}, signal).catch(unlessCode('CONFLICT'));
  } else {
    await client.patch(ref, { kind: 'merge', body: { spec: leaseSpec(name, renewTime) } }, {}, signal);
  }
}

function unlessCode(code: AppError['code']): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof AppError) || error.code !== code) throw error;
  };
}

/** Waits that a ring ends, also one that came before the wait. */
function newBell(): { ring: () => void; wait: (ms: number, signal: AbortSignal) => Promise<void> } {
  let rung = new AbortController();
  return {
    ring: () => {
      rung.abort();
    },
    wait: async (ms, signal) => {
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, rung.signal]) }).catch(() => undefined);
      if (rung.signal.aborted) rung = new AbortController();
    },
  };
}

function timeNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
