// The whole service as people start it: a process of its own with a state folder, and what tests ask of it over HTTP.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Finding } from '../../src/core/finding.ts';
import type { MonitorStatus, RunResource } from '../../src/core/api.ts';
import { eventually } from './eventually.ts';
import { holdfast } from './holdfast.ts';

export type ServiceOptions = {
  prefix: string;
  /** Keys of serve.yaml beside `environments` (the quick lab), `listen`, `scenarios` and `probes`. */
  config?: Record<string, unknown>;
  /** name -> text; they replace the repository's scenarios. */
  scenarios?: Record<string, string>;
  /** The lab of that prefix was there before, and stays. */
  keepsLab?: boolean;
  /** Environment variables for references in the file. */
  variables?: Record<string, string>;
};

/** A service on the quick lab. Disposing ends it, takes its lab down and removes its folder. */
export async function aService(options: ServiceOptions): Promise<RunningService> {
  const folder = mkdtempSync(join(tmpdir(), 'hfs-'));
  const scenarios = join(folder, 'scenarios');
  mkdirSync(scenarios);
  for (const [name, text] of Object.entries(options.scenarios ?? {})) writeFileSync(join(scenarios, `${name}.yaml`), text);
  const file = {
    environments: [resolve('deploy/lab/quick.yaml')],
    listen: { port: 0 },
    probes: resolve('probes'),
    scenarios,
    ...options.config,
  };
  writeFileSync(join(folder, 'serve.yaml'), JSON.stringify(file)); // JSON is YAML
  const service = new RunningService(folder, options);
  try {
    await service.start();
    return service;
  } catch (error) {
    await service[Symbol.asyncDispose]();
    throw error;
  }
}

export class RunningService implements AsyncDisposable {
  readonly folder: string;
  readonly #options: ServiceOptions;
  #child: ChildProcess | null = null;
  #output = '';
  #url = '';
  #token = '';

  constructor(folder: string, options: ServiceOptions) {
    this.folder = folder;
    this.#options = options;
  }

  /** Everything it said, over all its lives. */
  get output(): string {
    return this.#output;
  }
  get url(): string {
    return this.#url;
  }
  get token(): string {
    return this.#token;
  }
  get stateFolder(): string {
    return join(this.folder, 'state');
  }

  /** Starts it, again if need be, and waits until it says where it is. */
  async start(): Promise<void> {
    const from = this.#output.length;
    const args = ['serve', '--config', join(this.folder, 'serve.yaml'), '--state', this.stateFolder, '--prefix', this.#options.prefix];
    const child = spawn(process.execPath, ['src/cli/main.ts', ...args], {
      env: { ...process.env, NO_COLOR: '1', ...this.#options.variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#child = child;
    this.#url = await eventually(() => {
      const said = this.#output.slice(from);
      const url = /^Holdfast is at (http:\S+?)\/?$/m.exec(said)?.[1];
      if (child.exitCode !== null) throw new Error(`the service ended with ${String(child.exitCode)}: ${said}`);
      if (url === undefined) throw new Error(`the service does not say where it is: ${said}`);
      return url;
    }, 60_000);
    this.#token = /\bhf_[A-Za-z0-9_-]+/.exec(this.#output)?.[0] ?? this.#token;
  }

  /** As kill(1) does it. Waits for the end. @returns the exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exited)[0];
  }

  async get<Answer>(path: string): Promise<Answer> {
    return await this.#ask<Answer>('GET', path);
  }
  async post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
    return await this.#ask<Answer>('POST', path, body);
  }
  async monitors(): Promise<MonitorStatus[]> {
    return (await this.get<{ items: MonitorStatus[] }>('/api/v1/monitors')).items;
  }
  async findings(): Promise<Finding[]> {
    return (await this.get<{ items: Finding[] }>('/api/v1/findings')).items;
  }
  async runs(): Promise<RunResource[]> {
    return (await this.get<{ items: RunResource[] }>('/api/v1/runs')).items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
    const { keepsLab = false, prefix } = this.#options;
    if (!keepsLab) await holdfast(['lab', 'down', '--prefix', prefix]); // of a service that was killed
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text}`);
    return JSON.parse(text) as Answer;
  }
}
