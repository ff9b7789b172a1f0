// `holdfast agent` as people start it: a process of its own, with a file, a state folder and a log.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_TEXT } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';
import { AGENT, TOKEN } from './a-service.ts';

/** An agent file that allows a few flows to 127.0.0.1. */
export function anAgentFile(places: { service: string; redis: string }, more: object = {}): object {
  return {
    agent: AGENT,
    token: '${file:token}',
    key: '${file:key}',
    state: 'state',
    allow: { cidrs: ['127.0.0.0/8'], ports: ['1-65535'], maxFlows: 50 },
    ...places,
    ...more,
  };
}

export class AgentProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-agent-'));
  log = '';
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);

  static start(file: object): AgentProcess {
    const agent = new AgentProcess();
    writeFileSync(join(agent.folder, 'token'), TOKEN);
    writeFileSync(join(agent.folder, 'key'), KEY_TEXT);
    agent.again(file);
    return agent;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  /** Starts it, also after its end; with the file it had, or another. */
  again(file?: object): void {
    const path = join(this.folder, 'agent.yaml');
    if (file) writeFileSync(path, JSON.stringify(file));
    const child = spawn(process.execPath, ['src/cli/main.ts', 'agent', '--file', path], { stdio: ['ignore', 'inherit', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('close', (code) => {
        resolve(code);
      });
    });
  }

  async says(words: string | RegExp): Promise<void> {
    await eventually(() => {
      if (!(typeof words === 'string' ? this.log.includes(words) : words.test(this.log))) throw new Error(`not told so far:\n${this.log}`);
    });
  }

  /** @returns its exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child?.kill(signal);
    return await this.#exited;
  }

  async exited(): Promise<number | null> {
    return await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
