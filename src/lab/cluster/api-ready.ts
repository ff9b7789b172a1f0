// Whether the API server has done all that it does at its start, Kubernetes' own roles included: its own word, /readyz.
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_PORT } from './kubeconfig.ts';

const ASK_EVERY_MS = 100;
const ANSWER_WITHIN_MS = 2_000;

/**
 * Resolves when it is ready; to be asked on its own machine. The controller manager gives up after ten seconds without it, which on a
 * busy machine are too few.
 */
export async function untilReady(access: { address: string; certificate: string; token: string }, signal: AbortSignal): Promise<void> {
  while (!(await isReady(access, signal))) await sleep(ASK_EVERY_MS, undefined, { signal });
}

async function isReady({ address, certificate, token }: Parameters<typeof untilReady>[0], signal: AbortSignal): Promise<boolean> {
  return await new Promise((resolve) => {
    const sent = request(
      {
        host: address,
        port: API_PORT,
        path: '/readyz',
        ca: certificate,
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
        agent: false,
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    sent.on('error', () => {
      resolve(false); // not listening yet, or too busy to answer
    });
    sent.end();
  });
}
