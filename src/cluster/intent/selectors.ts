// Label selectors, matched as Kubernetes matches them (apimachinery's labels.Selector).
import { z } from 'zod';

export const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).nullish(),
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
});
export type LabelSelector = z.output<typeof labelSelector>;
export type Labels = Readonly<Record<string, string>>;

/** Whether all that `selector` asks is true of `labels`; an empty selector asks nothing. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const asked = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => valueOf(labels, key) === value);
  return asked && (selector.matchExpressions ?? []).every((expression) => isMet(expression, labels));
}

/** Whether one of `selectors` matches; no selector at all means everything, as in MetalLB's objects. */
export function anySelects(selectors: readonly LabelSelector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some((selector) => selects(selector, labels));
}

type Expression = NonNullable<NonNullable<LabelSelector['matchExpressions']>[number]>;

function isMet({ key, operator, values }: Expression, labels: Labels): boolean {
  const value = valueOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && (values ?? []).includes(value);
    case 'NotIn': // also of an object that has no such label
      return value === undefined || !(values ?? []).includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
