// Making a lab's network: namespaces, links, addresses, kernel settings.
import { messageOf, AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import type { LabPlan } from './address-plan.ts';
import { linksBatch, memberBatch, MIRROR_TABLE, namespacesBatch, namespacesOf, routerBatch, sysctls } from './topology.ts';

/** Builds what `topology.ts` describes. @throws AppError NOT_PERMITTED when this process may not, COMMAND_MISSING, COMMAND_FAILED */
export async function buildNetwork(plan: LabPlan, signal: AbortSignal): Promise<void> {
  const ip = async (netns: string, input: string) => runCommand(['ip', '-n', netns, '-batch', '-'], { input, signal });
  try {
    await runCommand(['ip', '-batch', '-'], { input: namespacesBatch(plan), signal });
  } catch (cause) {
    if (!/not permitted|Permission denied/i.test(messageOf(cause))) throw cause;
    throw new AppError('NOT_PERMITTED', `this process may not make network namespaces: ${messageOf(cause)}`, {
      remedy: 'run it as root, or as an ordinary user where user namespaces are allowed; holdfast doctor tells more',
      cause,
    });
  }
  await Promise.all(
    namespacesOf(plan).map(async (netns) => {
      await runCommand(['sysctl', '-q', '-p', '-'], { place: { netns }, input: sysctls(plan, netns), signal });
    }),
  );
  await runCommand(['ip', '-batch', '-'], { input: linksBatch(plan), signal });
  await Promise.all([
    ip(plan.router.netns, routerBatch(plan)),
    ...[...plan.nodes, ...plan.vantages].map(async (member) => ip(member.netns, memberBatch(plan, member))),
  ]);
  if (plan.file.lab.nextHopGroups === 'hash-threshold') return;
  const table = String(MIRROR_TABLE);
  for (const family of ['-4', '-6']) {
    await runCommand(['ip', family, '-n', plan.router.netns, 'rule', 'add', 'pref', table, 'lookup', table], { signal });
  }
}
