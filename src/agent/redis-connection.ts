// The agent's connections to Redis: by URL, with TLS and an ACL user where it is remote, or by a Unix socket.
import { Redis } from 'ioredis';

export type AgentRedis = {
  /** redis://, rediss://, `unix:/path`, or `unix://user:password@localhost/path?db=0`. */
  place: string;
  /** PEM of the authority that signed Redis' certificate; null: those that Node knows. */
  ca: string | null;
};

const RETRY_MOST_MS = 2_000;
const CONNECT_MS = 5_000;
const ANSWER_MS = 5_000;

/**
 * Connects by itself, for ever; its absence is no error but its status.
 * @param kind `worker`: commands wait as long as it takes, as BullMQ demands. `asking`: they fail at once while Redis is away.
 */
export function connectToRedis({ place, ca }: AgentRedis, kind: 'worker' | 'asking'): Redis {
  const options = {
    maxRetriesPerRequest: kind === 'worker' ? null : 0,
    enableOfflineQueue: kind === 'worker',
    ...(kind === 'asking' ? { commandTimeout: ANSWER_MS } : {}),
    retryStrategy: (attempt: number) => Math.min(100 * attempt, RETRY_MOST_MS),
    connectTimeout: CONNECT_MS,
    keepAlive: 10_000,
    disableClientInfo: true, // Redis before 7.2 has no such command to allow
    ...(ca === null ? {} : { tls: { ca } }),
  };
  const client = place.startsWith('unix:') ? new Redis({ ...options, ...socketOf(place) }) : new Redis(place, options);
  client.on('error', () => undefined); // told by its status
  return client;
}

function socketOf(place: string): { path: string; username?: string; password?: string; db?: number } {
  const { pathname, username, password, searchParams } = new URL(place);
  const db = searchParams.get('db');
  return {
    path: decodeURIComponent(pathname),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(db === null ? {} : { db: Number(db) }),
  };
}
