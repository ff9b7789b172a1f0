// The lab's proof of itself: a 5-tuple dialled twice comes in by the same node, for TCP and UDP, from every vantage to every VIP.
//
// Without it a lab may look right and lie: with the wrong hash policy the same 5-tuple lands anywhere, and every flow "breaks in place".
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Node, Vip } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { ingressOf } from '../core/ingress.ts';
import { type Argv, runCommand } from '../io/command.ts';
import { environmentKey, keyBytes } from '../io/environment-key.ts';
import type { LabMember, LabPlan } from './address-plan.ts';
import { dial, type FiveTuple } from './dial.ts';
import { keyFile } from './state-folder.ts';

/** Were hops chosen at random, all of these landing twice on the same one would have a chance of 1 in 2^16 a VIP and vantage, at most. */
const TUPLES_PER_PROTOCOL = 8;
/** A responder of a busy machine may listen a moment after its node advertises: that is no wrong hash. */
const DIALS = 5;
const RETRY_MS = 300;
/** Below the kernel's ephemeral ports: nobody else's. */
const FIRST_PORT = 20_000;

/** What `dialTwice` was asked for, and found. Ingress is null when the answer does not tell it. */
const dialled = z.array(z.object({ what: z.string(), first: z.string(), second: z.string() }));
export type Dialled = z.infer<typeof dialled>;

/** Dials from every vantage. @throws AppError LAB_UNSOUND with the first 5-tuple that did not come back to its node */
export async function proveSound(plan: LabPlan, program: Argv, signal: AbortSignal): Promise<void> {
  await Promise.all(
    plan.vantages.map(async (vantage) => {
      const argv: Argv = [...program, 'lab-dialler', '--state', plan.stateFolder, '--vantage', vantage.name];
      const output = await runCommand(argv, { place: vantage, timeoutMs: 20_000, signal });
      const unsound = dialled.parse(JSON.parse(output)).find(({ first, second }) => first !== second || first.startsWith('!'));
      if (unsound === undefined) return;
      throw new AppError(
        'LAB_UNSOUND',
        `the lab ${plan.prefix} is not sound: ${unsound.what} came in by ${unsound.first}, then by ${unsound.second}`,
        {
          remedy: 'run holdfast doctor: the kernel may lack hash policy 3, or the responders may not be reachable',
        },
      );
    }),
  );
}

/** Dials every 5-tuple of one vantage twice; to be run in that vantage's namespace. A failure is told as `!why`. */
export async function dialTwice(plan: LabPlan, vantage: LabMember): Promise<Dialled> {
  const key = environmentKey(keyBytes(readFileSync(keyFile(plan.stateFolder), 'utf8')));
  const { nodes } = plan.environment;
  return await Promise.all(
    fiveTuples(plan, vantage).map(async ({ vip, tuple }) => {
      const ingress = async () => {
        for (let attempt = 1; ; attempt += 1) {
          const result = await dial(tuple, key);
          if (!('failure' in result)) return ingressName(vip, tuple, { answer: result.answer, nodes });
          if (attempt === DIALS) return `!${result.failure}`;
          await sleep(RETRY_MS);
        }
      };
      const first = await ingress();
      return {
        what: `${tuple.protocol} from ${vantage.name} port ${String(tuple.sourcePort)} to ${vip.name}`,
        first,
        second: await ingress(),
      };
    }),
  );
}

function ingressName(
  vip: Vip,
  tuple: FiveTuple,
  seen: { answer: { observedAddress: string; node: string }; nodes: readonly Node[] },
): string {
  const observedSource = seen.answer.observedAddress;
  const evidence = {
    policy: vip.policy,
    sourceAddress: tuple.sourceAddress,
    observedSource,
    backendNode: seen.answer.node,
    nodes: seen.nodes,
  };
  return ingressOf(evidence) ?? `!an unknown way (${observedSource} seen as source)`;
}

/** The 5-tuples of one vantage; no two share a source port, so that no two meet in a node's connection table. */
export function fiveTuples(plan: LabPlan, vantage: LabMember): { vip: Vip; tuple: FiveTuple }[] {
  let sourcePort = FIRST_PORT;
  return plan.environment.vips.flatMap((vip) =>
    (['tcp', 'udp'] as const).flatMap((protocol) =>
      Array.from({ length: TUPLES_PER_PROTOCOL }, () => {
        const sourceAddress = vantage.addresses.find(({ family }) => family === vip.family)?.address ?? '';
        return { vip, tuple: { protocol, sourceAddress, sourcePort: sourcePort++, address: vip.address, port: vip.port } };
      }),
    ),
  );
}
