// A pod's network namespace, made and taken away. This process must be in the node's namespace, and in the lab's own mount namespace.
import { runCommand, tryCommand } from '../../io/command.ts';
import { markBatch, podBatch, podLinkBatch, type PodPlace, podRouteBatch } from './pod-place.ts';

/** Makes the place; what a predecessor left of the same name goes first. @throws AppError COMMAND_FAILED */
export async function makePodNetwork(prefix: string, place: PodPlace, signal: AbortSignal): Promise<void> {
  await removePodNetwork(place);
  await runCommand(['ip', 'netns', 'add', place.netns], { signal });
  const inside = async (input: string) => runCommand(['ip', '-n', place.netns, '-batch', '-'], { input, signal });
  const onNode = async (input: string) => runCommand(['ip', '-batch', '-'], { input, signal });
  await inside(markBatch(prefix));
  await onNode(podLinkBatch(place));
  await onNode(podRouteBatch(place));
  await inside(podBatch(place));
}

/** A place that is gone already is no error. */
export async function removePodNetwork({ netns, port }: Pick<PodPlace, 'netns' | 'port'>): Promise<void> {
  await tryCommand(['ip', 'link', 'delete', port]);
  await tryCommand(['ip', 'netns', 'delete', netns]);
}
