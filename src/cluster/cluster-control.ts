// What faults may ask of a cluster, by way of its API; connected when the first of them asks.
import type { ClusterControl, ClusterRef } from '../core/cluster-control.ts';
import { AppError } from '../core/errors.ts';
import { type KubeClient, type ObjectRef, RESOURCES } from './kube-client.ts';

/**
 * @param open connects; asked at the first call, and again at the next one after it failed (a kubeconfig may come later)
 * @returns disposing it closes the connection
 */
export function clusterControl(open: () => Promise<KubeClient>): ClusterControl & AsyncDisposable {
  let opened: Promise<KubeClient> | null = null;
  const client = async (): Promise<KubeClient> => {
    const opening = (opened ??= open());
    try {
      return await opening;
    } catch (error) {
      if (opened === opening) opened = null;
      throw error;
    }
  };
  return {
    async get(ref, signal) {
      return await (await client()).get(objectRef(ref), signal);
    },
    async list(kind, selection, signal) {
      return (await (await client()).list(RESOURCES[kind], selection, signal)) ?? [];
    },
    async patch(ref, change, expected, signal) {
      await (await client()).patch(objectRef(ref), { kind: 'json', body: change }, expected, signal);
    },
    async create(kind, object, signal) {
      await (await client()).create(RESOURCES[kind], object, {}, signal);
    },
    async remove(ref, expected, signal) {
      await (await client()).remove(objectRef(ref), expected, signal);
    },
    async evict({ namespace, name, uid }, { dryRun }, signal) {
      try {
        return await (await client()).evict({ namespace, name }, { dryRun, uid }, signal);
      } catch (error) {
        // Another pod of that name: the one that was meant is gone.
        if (error instanceof AppError && error.code === 'CONFLICT') return { kind: 'gone' };
        throw error;
      }
    },
    async mayI({ kind, ...question }, signal) {
      return await (await client()).mayI({ ...question, resource: RESOURCES[kind] }, signal);
    },
    async [Symbol.asyncDispose]() {
      await (await opened?.catch(() => null))?.[Symbol.asyncDispose]();
    },
  };
}

function objectRef({ kind, namespace, name }: ClusterRef): ObjectRef {
  return { resource: RESOURCES[kind], name, ...(namespace === null ? {} : { namespace }) };
}
