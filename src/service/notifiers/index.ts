// The notifiers that exist: the contract suite and every destination of a serve.yaml follow this list.
import type { DestinationSpec } from '../../core/service-file.ts';
import { alertmanager } from './alertmanager.ts';
import type { Destination, Notifier, NotifierOf, NotifierTools } from './notifier.ts';
import { webhook } from './webhook.ts';

export const NOTIFIERS: readonly Notifier[] = [webhook, alertmanager];

/** The destination that a serve.yaml describes. @throws AppError BAD_INPUT for a secret that cannot be used */
export function openDestination(spec: DestinationSpec, tools: NotifierTools): Destination {
  const notifier = NOTIFIERS.find((candidate) => candidate.kind === spec.kind);
  if (!notifier) throw new Error(`no notifier of the kind ${spec.kind}: the schema knows more than the list`);
  // Sound: the kinds are equal, which the compiler cannot follow through a list.
  return (notifier as NotifierOf<typeof spec>).open(spec, tools);
}
