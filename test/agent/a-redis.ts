// A real redis-server for one test: on a Unix socket, and on a port of loopback where asked.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';

export class RedisProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  readonly path = join(this.folder, 'redis.sock');
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();
  #more: readonly string[] = [];

  static async start(more: readonly string[] = []): Promise<RedisProcess> {
    const redis = new RedisProcess();
    redis.#more = more;
    await redis.again();
    return redis;
  }

  /** Starts it, also after `kill`. */
  async again(): Promise<void> {
    const argv = ['--port', '0', '--unixsocket', this.path, '--dir', this.folder, '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', [...argv, '--maxmemory-policy', 'noeviction', ...this.#more], { stdio: 'ignore' });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    using client = this.client();
    await eventually(() => client.redis.ping());
  }

  /** As the default user, who may everything. */
  client(): { redis: Redis } & Disposable {
    const redis = new Redis({ path: this.path, maxRetriesPerRequest: null, retryStrategy: () => 50 });
    redis.on('error', () => undefined);
    return {
      redis,
      [Symbol.dispose]: () => {
        redis.disconnect();
      },
    };
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
