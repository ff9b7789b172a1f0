// What an API server's refusal means to a person: a Status object becomes an AppError with its own words and what to do.
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';

/** What was asked, for messages: `list services`, `patch node n2`. */
export type Asked = { server: string; verb: string; object: string; mayMiss?: string | undefined };

const status = z.looseObject({
  kind: z.literal('Status'),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().optional(),
  details: z
    .looseObject({
      name: z.string().optional(),
      causes: z.array(z.looseObject({ reason: z.string().optional(), message: z.string().optional() })).optional(),
    })
    .optional(),
});
/** `meta.k8s.io/v1` Status. */
export type Status = z.output<typeof status>;

/** The Status in an answer; null when it is none. */
export function statusOf(body: unknown): Status | null {
  return status.safeParse(body).data ?? null;
}

/** An eviction that a PodDisruptionBudget forbids, told from an API server that is asked too often: both are 429. */
export function blockedByBudget(found: Status | null): string | null {
  const cause = found?.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget');
  return cause === undefined ? null : [found?.message, cause.message].filter(Boolean).join(' ');
}

/**
 * Whether a 404 is an API server's own word that it has no object of that name. A proxy whose backend is away may answer 404 too, and
 * whatever is taken for gone is never reverted.
 */
export function saysNoSuch(text: string, name: string | undefined): boolean {
  const found = statusOf(jsonOf(text));
  return name !== undefined && found?.reason === 'NotFound' && found.details?.name === name;
}

/** The refusal behind an answer that is no success. `text` is its body. */
export function refusal(asked: Asked, code: number, text: string): AppError {
  const found = statusOf(jsonOf(text));
  const said = found?.message ?? (text.slice(0, 300).trim() || `status ${String(code)}`);
  const what = `${asked.verb} ${asked.object}`;
  switch (code) {
    case 401:
      return new AppError('CLUSTER_REFUSED', `the cluster at ${asked.server} does not know who asks (${what}): ${said}`, {
        remedy: 'its credentials may have expired: kubectl with the same kubeconfig tells',
      });
    case 403:
      return new AppError('CLUSTER_REFUSED', `the cluster at ${asked.server} does not allow to ${what}: ${said}`, {
        remedy: 'grant it: deploy/kubernetes/rbac.yaml has the roles that Holdfast needs',
      });
    case 404:
      if (saysNoSuch(text, asked.mayMiss)) return nothingThere(asked, said);
      return new AppError(
        'CLUSTER_UNREACHABLE',
        `the cluster at ${asked.server} cannot ${what} now: 404 is answered in its place: ${said}`,
        {
          remedy: 'see that the kubeconfig names the API server itself, and what stands between',
        },
      );
    case 409:
      return new AppError('CONFLICT', `the cluster at ${asked.server} does not ${what}, which is another by now: ${said}`);
    case 502:
    case 503:
    case 504:
      return new AppError('CLUSTER_UNREACHABLE', `the cluster at ${asked.server} cannot ${what} now: ${said}`);
    default:
      return new AppError('CLUSTER_REFUSED', `the cluster at ${asked.server} refuses to ${what}: ${said}`);
  }
}

/** What was to be changed does not exist. */
export function nothingThere({ server, verb, object }: Asked, said: string): AppError {
  return new AppError('TARGET_GONE', `the cluster at ${server} has nothing to ${verb} ${object}: ${said}`);
}

/** A request that got no answer. */
export function unreachable(asked: Asked, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return new AppError(
    'CLUSTER_UNREACHABLE',
    `the API server at ${asked.server} does not answer (${asked.verb} ${asked.object}): ${messageOf(cause) || code}`,
    {
      ...(isAboutTrust(code) ? { remedy: 'its certificate is not the kubeconfig’s authority’s: compare certificate-authority' } : {}),
      cause,
    },
  );
}

function isAboutTrust(code: string): boolean {
  return /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/.test(code);
}

/** Undefined for what is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the text itself is told, or taken for a torn answer
  }
}
