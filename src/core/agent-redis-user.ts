// The Redis user of one agent: what BullMQ's worker needs on the agent's own queue, and nothing else.
//
// Lua scripts run with the rights of their caller (Redis, ACL: "EVAL"), so every command of BullMQ's scripts is listed as well,
// and none of them reaches a key outside the pattern.
import { agentQueueName } from './agent-messages.ts';

/** Commands that BullMQ 6.7 and ioredis send for a worker; its scripts send those of `DATA`. */
const CONNECTION = ['ping', 'quit', 'info', 'client|setname', 'evalsha', 'eval', 'bzpopmin'];
const DATA = [
  ...['del', 'exists', 'persist', 'pexpire', 'pexpireat', 'pttl', 'rename', 'time', 'unlink'],
  ...['get', 'incr', 'set'],
  ...['hdel', 'hexists', 'hget', 'hgetall', 'hincrby', 'hmget', 'hmset', 'hset'],
  ...['lindex', 'llen', 'lpush', 'lrange', 'lrem', 'lset', 'ltrim', 'rpop', 'rpoplpush', 'rpush'],
  ...['sadd', 'scard', 'smembers', 'srem'],
  ...['xadd', 'xtrim'],
  ...['zadd', 'zcard', 'zcount', 'zpopmin', 'zrange', 'zrangebylex', 'zrangebyscore', 'zrem', 'zremrangebyrank', 'zremrangebyscore'],
  ...['zrevrange', 'zrevrangebyscore', 'zscore'],
];

/** Name of the agent's user at Redis. */
export function agentRedisUser(agent: string): string {
  return agentQueueName(agent);
}

/**
 * The words of the Redis command that makes (or replaces) the agent's user: it may consume its own queue and sees no other key.
 * Joined by blanks they are what a person types into redis-cli.
 */
export function agentAclCommand(agent: string, password: string): readonly [string, ...string[]] {
  return [
    ...(['ACL', 'SETUSER', agentRedisUser(agent), 'reset', 'on', `>${password}`] as const),
    ...[`~bull:${agentQueueName(agent)}:*`, 'resetchannels', '-@all'],
    ...[...CONNECTION, ...DATA].map((command) => `+${command}`),
  ];
}
