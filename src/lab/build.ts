// Making a lab's network: namespaces, links, addresses, kernel settings.
import { messageOf, AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import { type LabPlan, membersOf } from './address-plan.ts';
import { kernelSettings, linksBatch, memberBatch, MIRROR_TABLE, namespacesBatch, namespacesOf, routerBatch } from './topology.ts';

// A process of that namespace must write them: /proc/sys/net is its writer's own.
const SET_ALL = 'while read -r path value; do echo "$value" > "/proc/sys/$path" || exit 1; done';

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
      await runCommand(['sh', '-c', SET_ALL], { place: { netns }, input: kernelSettings(plan, netns), signal });
    }),
  );
  await runCommand(['ip', '-batch', '-'], { input: linksBatch(plan), signal });
  await Promise.all([
    ip(plan.router.netns, routerBatch(plan)),
    ...membersOf(plan).map(async (member) => ip(member.netns, memberBatch(plan, member))),
  ]);
  if (plan.file.lab.nextHopGroups === 'hash-threshold') return;
  const table = String(MIRROR_TABLE);
  for (const family of ['-4', '-6']) {
    await runCommand(['ip', family, '-n', plan.router.netns, 'rule', 'add', 'pref', table, 'lookup', table], { signal });
  }
}
