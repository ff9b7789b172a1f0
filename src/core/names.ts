// The shape of every name a user gives: short, safe in file names, namespace names, metrics and HTML.
import { z } from 'zod';

const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const A_NAME = 'expected a name of lower-case letters, digits, "-" and ".", at most 63 long';

/** A DNS-label-like name (RFC 1123 with dots), as Kubernetes names its nodes. */
export const name = z.string({ error: A_NAME }).regex(NAME, {
  error: ({ input }) => {
    const near = String(input).toLowerCase().replaceAll(/[_ ]/g, '-');
    return NAME.test(near) ? `${A_NAME}, did you mean ${near}?` : A_NAME;
  },
});
