// What a fault may not do with the credentials that its keeper has, told before it begins.
import type { ClusterControl, ClusterQuestion } from './cluster-control.ts';

/** A sentence for each of `questions` that the API server answers with no. */
export async function missingAccess(
  cluster: ClusterControl,
  questions: readonly ClusterQuestion[],
  signal: AbortSignal,
): Promise<string[]> {
  const answers = await Promise.all(questions.map((question) => cluster.mayI(question, signal)));
  return questions.filter((_, index) => answers[index] !== true).map(sentence);
}

function sentence({ verb, kind, subresource, namespace }: ClusterQuestion): string {
  const what = [kind, subresource].filter(Boolean).join('/');
  return `the keeper's credentials may not ${verb} ${what}${namespace === undefined ? '' : ` in ${namespace}`} (the roles in deploy/kubernetes allow it)`;
}
