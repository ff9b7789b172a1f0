// Where Redis is: a private child's Unix socket, or somebody's server by its URL; and how to connect to it so that its absence is an event.
import { Redis } from 'ioredis';

export type RedisPlace = { path: string } | { url: string };

/** Between two attempts to reach a Redis that is away. */
const RETRY_MAX_MS = 2_000;

/**
 * A client that connects by itself, for ever. It has a listener for errors already: an unreachable Redis is told by its `status` and events.
 * `kind` blocking: for a BullMQ worker, whose commands wait as long as it takes. `asking`: a command fails at once while Redis is away, and
 * after 5 s when it does not answer, so that nobody waits for it without knowing.
 */
export function connectRedis(place: RedisPlace, kind: 'blocking' | 'asking'): Redis {
  const options = {
    maxRetriesPerRequest: kind === 'blocking' ? null : 0,
    enableOfflineQueue: kind === 'blocking',
    ...(kind === 'asking' && { commandTimeout: 5_000 }),
    retryStrategy: (attempt: number) => Math.min(100 * attempt, RETRY_MAX_MS),
    connectTimeout: 5_000,
  };
  const client = 'path' in place ? new Redis({ ...options, path: place.path }) : new Redis(place.url, options);
  client.on('error', () => undefined); // told by `close` and `ready`
  return client;
}

/** The place as a log may name it: never with a password. */
export function describePlace(place: RedisPlace): string {
  if ('path' in place) return place.path;
  try {
    const { protocol, host } = new URL(place.url);
    return `${protocol}//${host}`;
  } catch {
    return 'the given URL';
  }
}

/**
 * What is wrong with how a Redis keeps what it is given; empty when nothing is. A server that does not tell is one thing to know, too.
 * BullMQ loses jobs under any eviction policy, and every acknowledged job with snapshots alone.
 */
export async function concernsOf(client: Redis): Promise<string[]> {
  const settings = await Promise.all([client.config('GET', 'maxmemory-policy'), client.config('GET', 'appendonly')]).catch(() => null);
  if (settings === null) return ['it does not tell its settings; it should have maxmemory-policy noeviction and appendonly yes'];
  const [policy, appendOnly] = settings.map(valueOf);
  return [
    ...(policy === 'noeviction' ? [] : [`its maxmemory-policy is ${policy ?? 'unknown'}: jobs may vanish; set noeviction`]),
    ...(appendOnly === 'yes' ? [] : ['it keeps no append-only file: what it was given last is lost when it dies; set appendonly yes']),
  ];
}

/** CONFIG GET answers [name, value]. */
function valueOf(answer: unknown): string | undefined {
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : undefined;
}
