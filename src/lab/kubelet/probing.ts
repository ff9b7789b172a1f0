// One question of a probe, asked from the node as a kubelet asks it.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tryCommand } from '../../io/command.ts';
import { argvInPod } from './pod-process.ts';
import type { Probe } from './pod.ts';

export type ProbedPod = { netns: string | null; address: string; env: Readonly<Record<string, string>> };

/** Whether the probe succeeds, within its own timeout. Never throws; false when `signal` aborts. */
export async function askProbe(probe: Pick<Probe, 'how' | 'timeoutSeconds'>, pod: ProbedPod, signal: AbortSignal): Promise<boolean> {
  const { how, timeoutSeconds } = probe;
  const late = new AbortController();
  // Not before the poll phase after the timer: the answer may lie there already when this process was held up.
  const timer = setTimeout(
    () =>
      setImmediate(() => {
        late.abort();
      }),
    timeoutSeconds * 1_000,
  );
  try {
    return await ask(how, pod, AbortSignal.any([signal, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

async function ask(how: Probe['how'], pod: ProbedPod, signal: AbortSignal): Promise<boolean> {
  switch (how.kind) {
    case 'tcp':
      return await canConnect(how.host ?? pod.address, how.port, signal);
    case 'http':
      return await answersHttp(how, how.host ?? pod.address, signal);
    case 'exec':
      return await commandSucceeds(how.command, pod, signal);
  }
}

/** Runs a command of a pod's own beside its process. Never throws. */
export async function commandSucceeds(command: readonly string[], { netns, env }: ProbedPod, signal: AbortSignal): Promise<boolean> {
  // Not this process's environment, but the pod's.
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  try {
    const { code } = await tryCommand(argvInPod(netns, ['env', '-i', ...variables, ...command]), { timeoutMs: 2 ** 31 - 1, signal });
    return code === 0;
  } catch {
    return false; // not in time, or it cannot be started
  }
}

async function canConnect(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, signal });
  socket.once('connect', () => {
    resolve(true);
  });
  // An aborted connect is an error too.
  socket.once('error', () => {
    resolve(false);
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** 200 to 399 is success, as for a kubelet; a certificate is not asked whose it is. */
async function answersHttp(how: Extract<Probe['how'], { kind: 'http' }>, host: string, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { port, path, headers } = how;
  const options = { host, port, path, headers, signal, agent: false } as const;
  const request = how.scheme === 'https' ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  request.once('response', (response) => {
    const { statusCode = 0 } = response;
    response.destroy();
    resolve(statusCode >= 200 && statusCode < 400);
  });
  request.on('error', () => {
    resolve(false);
  });
  request.end();
  return await promise;
}
