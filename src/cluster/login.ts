// Who we are to a cluster and where its API is: a context of a kubeconfig, or the service account of the pod that this runs in.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Cluster } from '../core/environment.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { readYaml } from '../core/yaml-document.ts';

export type Login = {
  /** Where the API is, for messages and paths. */
  server: URL;
  /**
   * Certificates and headers of a request, read anew where they may have changed: a service account's token rotates,
   * a credential plugin's expires.
   */
  credentials(): Promise<RequestOptions>;
};

/** No credential plugin takes longer, and a hanging one is asked again no more often. */
const PLUGIN_MS = 60_000;

const usersOf = z.looseObject({
  users: z.array(z.looseObject({ name: z.string(), user: z.looseObject({ tokenFile: z.string().optional() }).nullish() })),
});

/**
 * Reads a login. Exec plugins run at the first request, not here.
 * @throws AppError FILE_UNREADABLE; BAD_INPUT with the file and key; UNKNOWN_NAME for a context that is not in it
 */
export async function readLogin({ kubeconfig, context }: Cluster): Promise<Login> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (kubeconfig === null) loadServiceAccount(config);
  else loadFile(config, kubeconfig, context);
  const from = kubeconfig ?? 'the service account of this pod';
  const tokenFile = kubeconfig === null ? null : tokenFileOf(config, kubeconfig);
  return {
    server: serverOf(config, from),
    credentials: shared(async () => {
      const options: RequestOptions = {};
      try {
        await config.applyToHTTPSOptions(options);
        if (tokenFile !== null) {
          const token = (await readFile(tokenFile, 'utf8')).trim();
          options.headers = { ...(options.headers as Record<string, string> | undefined), Authorization: `Bearer ${token}` };
        }
      } catch (cause) {
        const file = isFileError(cause) ? ` (${cause.path})` : '';
        throw new AppError('FILE_UNREADABLE', `the credentials in ${from} cannot be had${file}: ${messageOf(cause)}`, {
          remedy: 'see that its certificates exist and may be read, and that its credential plugin works: kubectl with the same file tells',
          cause,
        });
      }
      // The library's agent keeps no connection and remembers the first certificates for ever; its way through a proxy is worth keeping.
      if (config.getCurrentCluster()?.proxyUrl === undefined) delete options.agent;
      return options;
    }),
  };
}

/** Who asks while an answer is on its way waits for that one: a plugin that hangs must not be started for every request. */
function shared(ask: () => Promise<RequestOptions>): () => Promise<RequestOptions> {
  let pending: { answer: Promise<RequestOptions>; sinceMs: number } | null = null;
  return async () => {
    // One that hangs for good must not keep us out for good either.
    if (pending !== null && performance.now() - pending.sinceMs > PLUGIN_MS) pending = null;
    const mine = (pending ??= { answer: ask(), sinceMs: performance.now() });
    try {
      return await mine.answer;
    } finally {
      if (pending === mine) pending = null;
    }
  };
}

/** Of the chosen user; the library knows it by another name only. It stands before a token, as with kubectl. */
function tokenFileOf(config: KubeConfig, file: string): string | null {
  const user = config.getCurrentUser()?.name;
  const { data } = usersOf.safeParse(readYaml(file, readFileSync(file, 'utf8')).value);
  const path = data?.users.find(({ name }) => name === user)?.user?.tokenFile;
  return path === undefined || path === '' ? null : resolve(dirname(file), path);
}

function loadFile(config: KubeConfig, file: string, context: string | null): void {
  try {
    config.loadFromFile(file);
  } catch (cause) {
    if (isFileError(cause)) {
      throw new AppError('FILE_UNREADABLE', `the kubeconfig ${file} cannot be read: ${messageOf(cause)}`, {
        remedy: 'name one with cluster.kubeconfig in the environment',
        cause,
      });
    }
    const why = cause instanceof TypeError ? 'it has none of its keys' : messageOf(cause);
    throw new AppError('BAD_INPUT', `${file} is no kubeconfig: ${why}`, { cause });
  }
  const names = config.getContexts().map(({ name }) => name);
  const wanted = context ?? config.getCurrentContext();
  if (!names.includes(wanted)) throw unknownContext(file, context, wanted, names);
  config.setCurrentContext(wanted);
  const chosen = config.getContextObject(wanted);
  for (const [key, name, isThere] of [
    ['cluster', chosen?.cluster, config.getCurrentCluster() !== null],
    ['user', chosen?.user, config.getCurrentUser() !== null],
  ] as const) {
    if (!isThere) {
      throw new AppError('BAD_INPUT', `${file}: the ${key} ${name ?? '(none)'} of the context ${wanted} is not among its ${key}s`);
    }
  }
}

function unknownContext(file: string, context: string | null, wanted: string, names: readonly string[]): AppError {
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  if (context === null) {
    const found = typeof wanted === 'string' && wanted !== '' ? `current-context names ${wanted}, which is none` : 'no current-context';
    return new AppError('BAD_INPUT', `${file}: ${found} of its contexts (${known})`, { remedy: 'name one with cluster.context' });
  }
  const nearest = didYouMean(wanted, names);
  return new AppError('UNKNOWN_NAME', `${file} has no context ${wanted} (${known})`, {
    remedy: nearest === null ? 'name one of those with cluster.context' : `did you mean ${nearest}?`,
  });
}

function loadServiceAccount(config: KubeConfig): void {
  config.loadFromCluster();
  if (config.getCurrentCluster()?.server.includes('undefined') ?? true) {
    throw new AppError('BAD_INPUT', 'this does not run in a pod of a cluster, and the environment names no kubeconfig', {
      remedy: 'name one with cluster.kubeconfig in the environment',
    });
  }
}

function serverOf(config: KubeConfig, from: string): URL {
  const text = config.getCurrentCluster()?.server ?? '';
  const url = URL.parse(text);
  if (url?.protocol === 'https:') return url;
  throw new AppError('BAD_INPUT', `${from}: the server ${text} is no https:// address`, {
    remedy: 'credentials are sent over TLS only; name the API server itself',
  });
}

function isFileError(thrown: unknown): thrown is NodeJS.ErrnoException & { path: string } {
  return thrown instanceof Error && 'syscall' in thrown && 'path' in thrown && typeof thrown.path === 'string';
}
