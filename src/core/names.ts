// The shape of every name a user gives: short, safe in file names, namespace names, metrics and HTML.
import { z } from 'zod';

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** A DNS-label-like name (RFC 1123 with dots), as Kubernetes names its nodes. */
export const name = z.string().refine((text) => NAME.test(text), {
  message: 'expected a name of lower-case letters, digits, "-" and ".", at most 63 long',
});

/** Whether `text` is such a name. */
export function isName(text: string): boolean {
  return NAME.test(text);
}
