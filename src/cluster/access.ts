// What the API server lets somebody do: asked before it is needed, and told in words.
import { AppError } from '../core/errors.ts';
import type { Lists } from './followed-lists.ts';
import type { AccessQuestion, KubeClient } from './kube-client.ts';

/** What following `lists` takes. */
export function questionsOf(lists: Lists<string>): AccessQuestion[] {
  return Object.values(lists).flatMap(({ resource, selections }) =>
    selections.flatMap(({ namespace }) =>
      ['list', 'watch'].map((verb) => ({ verb, resource, ...(namespace === undefined ? {} : { namespace }) })),
    ),
  );
}

/**
 * What of `questions` is answered with no, in words: `list and watch endpointslices in default`.
 * @throws AppError CLUSTER_UNREACHABLE, CLUSTER_REFUSED
 */
export async function missingAccess(client: KubeClient, questions: readonly AccessQuestion[], signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(questions.map((question) => client.mayI(question, signal)));
  const verbs = new Map<string, string[]>();
  questions.forEach((question, index) => {
    if (answers[index] === true) return;
    const object = objectText(question);
    verbs.set(object, [...(verbs.get(object) ?? []), question.verb]);
  });
  return [...verbs].map(([object, some]) => `${some.join(' and ')} ${object}`);
}

/** @throws AppError NOT_PERMITTED with everything that `who` may not read; nothing when the API server cannot be asked now */
export async function refuseWithoutAccess(who: string, client: KubeClient, lists: Lists<string>, signal: AbortSignal): Promise<void> {
  let missing: string[];
  try {
    missing = await missingAccess(client, questionsOf(lists), signal);
  } catch (error) {
    if (error instanceof AppError && error.code.startsWith('CLUSTER_')) return; // whoever reads will tell
    throw error;
  }
  if (missing.length === 0) return;
  throw new AppError('NOT_PERMITTED', `${who} may not ${missing.join(', ')}`, {
    remedy: 'grant it: the role holdfast-reader of deploy/kubernetes/rbac.yaml allows it',
  });
}

function objectText({ resource, subresource, namespace }: AccessQuestion): string {
  const plural = [resource.plural, subresource].filter(Boolean).join('/');
  return namespace === undefined ? plural : `${plural} in ${namespace}`;
}
