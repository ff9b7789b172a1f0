// Makes the reader of one kind of object: strict about the fields it uses, blind to all others, and its errors name the object.
import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { pathText } from '../../core/mistakes.ts';
import type { KubeObject } from '../kube-client.ts';

/**
 * A function that takes out of an object what `schema` and `reduce` name.
 * The function throws AppError DEVICE_OUTPUT, with kind, name and field, for an object that it cannot read.
 */
export function reader<Schema extends z.ZodType, Reduced>(kind: string, schema: Schema, reduce: (object: z.output<Schema>) => Reduced) {
  return (raw: KubeObject): Reduced => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return reduce(parsed.data);
    const [issue] = parsed.error.issues;
    const { namespace, name } = raw.metadata;
    const object = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
    throw new AppError('DEVICE_OUTPUT', `${object} cannot be read: ${pathText(issue?.path ?? [])}: ${issue?.message ?? 'unknown form'}`, {
      remedy: `look at the object (kubectl get -o yaml); it may be of a version that Holdfast does not know`,
    });
  };
}

/** Name, namespace and labels, as every object has them. */
export const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
});

/** A list that may be missing; Go writes an empty one as null. */
export function list<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

/** A text that may be missing; Go writes a missing one as an empty one. */
export const optionalText = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

/** A boolean that is false where it is missing. */
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
