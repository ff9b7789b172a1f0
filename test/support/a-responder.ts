// Responders for tests: in this process, or as the real program in one of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Place } from '../../src/core/environment.ts';
import { monoMs } from '../../src/io/clock.ts';
import { argvIn } from '../../src/io/command.ts';
import { environmentKey, keyBytes } from '../../src/io/environment-key.ts';
import { Responder, type ResponderOptions } from '../../src/responder/responder.ts';

export const KEY_TEXT = 'a secret for tests only';
export const KEY_BASE64 = keyBytes(KEY_TEXT).toString('base64');

/** A responder in this process, on a free port of 127.0.0.1. */
export function aResponder(options: Partial<ResponderOptions> = {}): Promise<Responder> {
  return Responder.listen({
    node: 'n1',
    backend: 'b1',
    port: 0,
    addresses: ['127.0.0.1'],
    keys: [environmentKey(keyBytes(KEY_TEXT))],
    reapAfterMs: 10_000,
    maxFlows: 10_000,
    now: monoMs,
    onAddress: () => undefined,
    ...options,
  });
}

/** `holdfast respond` in a process of its own, to be killed, stopped and thawed. */
export class ResponderProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.port = port;
    this.#folder = folder;
    this.#exited = new Promise((resolve) => child.once('close', resolve));
  }

  static async start(port = 0, place?: Place): Promise<ResponderProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, KEY_TEXT);
    const options = ['--port', String(port), '--address', '127.0.0.1', '--node', 'n1', '--backend', 'b1', '--key-file', keyFile];
    const [program, ...argv] = argvIn(place, [process.execPath, 'src/cli/main.ts', 'respond', ...options]);
    const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as { type: string; port: number };
      if (message.type === 'ready') return new ResponderProcess(child, message.port, folder);
    }
    rmSync(folder, { recursive: true });
    throw new Error('the responder did not start');
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#child.kill(name);
  }

  /** Closes its standard input, as the end of the process that started it does. */
  leaveAlone(): void {
    this.#child.stdin?.end();
  }

  async exited(): Promise<number | null> {
    await this.#exited;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
