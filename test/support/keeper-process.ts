// Keepers as people start them: processes of their own, to be killed, frozen and thawed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectKeeper, type KeeperClient } from '../../src/runner/keeper-client.ts';
import { runCommand } from '../../src/io/command.ts';
import { monoMs } from '../../src/io/clock.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../../src/io/process-identity.ts';
import { KeeperJournal } from '../../src/keeper/keeper-journal.ts';
import { isOpen, isOver, type FaultState } from '../../src/keeper/fault-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { eventually } from './eventually.ts';

export const LEASE_MS = 1_200;
export const QUARANTINE_MS = 800;

/** What a lab's keeper may do in a test; short times. */
const FILE = {
  armed: true,
  allow: { faults: ['bgp-session-down', 'node-drain', 'node-down'], nodes: ['n1', 'n2', 'n3'] },
  leaseMs: LEASE_MS,
  quarantineMs: QUARANTINE_MS,
  // A session takes seconds to return: a test that does not ask for the minimum need not wait for it.
  minNextHops: 0,
};

/** The keepers of one lab, one after the other, over one state folder. */
export class KeeperProcesses implements AsyncDisposable {
  readonly lab: Lab;
  readonly stateFolder: string;
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #file: Record<string, unknown>;
  stderr = '';

  constructor(lab: Lab, file: Record<string, unknown> = {}, stateFolder = join(lab.stateFolder, 'keeper')) {
    this.lab = lab;
    this.stateFolder = stateFolder;
    this.#folder = join(lab.stateFolder, 'test');
    this.#file = { ...FILE, ...file };
  }

  get socket(): string {
    return join(this.lab.stateFolder, 'keeper.sock');
  }

  /** Starts a keeper; JSON is YAML. */
  async start(...more: string[]): Promise<{ child: ChildProcess; client: KeeperClient }> {
    mkdirSync(this.#folder, { recursive: true });
    const env = join(this.#folder, 'environment.yaml');
    const file = join(this.#folder, 'keeper.yaml');
    const { lab, vips, title } = this.lab.plan.file;
    const written = {
      title,
      lab: { nodes: lab.nodes, holdTime: `${String(lab.holdTime)}ms`, ...(lab.cluster ? { cluster: lab.cluster } : {}) },
      vips: vips.map(({ name, policy, family }) => ({ name, policy, family })),
    };
    writeFileSync(env, JSON.stringify(written));
    writeFileSync(file, JSON.stringify(this.#file));
    const args = ['keeper', '--env', env, '--prefix', this.lab.plan.prefix, '--file', file, '--state', this.stateFolder, ...more];
    // setpriv: a killed test must not leave it behind. It becomes node, with the same process id.
    const argv = ['--pdeathsig', 'KILL', process.execPath, 'src/cli/main.ts', ...args];
    const child = spawn('setpriv', argv, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#children.push(child);
    const client = await connectKeeper(this.socket, { timeoutMs: 40_000, signal: AbortSignal.timeout(45_000) }).catch((cause: unknown) => {
      throw new Error(`no keeper: ${this.stderr}`, { cause });
    });
    return { child, client };
  }

  /** The faults as the journal tells them. */
  faults(): FaultState[] {
    using journal = new KeeperJournal(this.stateFolder, 'keeper', monoMs);
    return [...journal.state.faults.values()];
  }

  janitor(): ProcessIdentity | null {
    using journal = new KeeperJournal(this.stateFolder, 'keeper', monoMs);
    return journal.state.janitor;
  }

  /** Waits until nothing is open, or nothing is even in quarantine. */
  async until(what: 'reverted' | 'over', timeoutMs = 15_000): Promise<void> {
    await eventually(() => {
      const left = this.faults().filter((fault) => (what === 'over' ? !isOver(fault) : isOpen(fault)));
      if (left.length > 0) throw new Error(`left: ${JSON.stringify(left)}\n${this.stderr}`);
    }, timeoutMs);
  }

  /** Peers that the router's own configuration shuts down, asked without our driver. */
  async shutPeers(): Promise<string[]> {
    const [router] = this.lab.environment.routers;
    const text = await runCommand(['vtysh', ...(router?.vtysh ?? []), '-c', 'show running-config bgpd']);
    return [...text.matchAll(/^ neighbor (\S+) shutdown/gm)].map(([, peer]) => peer ?? '');
  }

  /** Waits until the router shuts nobody down; returns how long that took. */
  async untilClear(timeoutMs: number): Promise<number> {
    const startedMs = monoMs();
    await eventually(async () => {
      const shut = await this.shutPeers();
      if (shut.length > 0) throw new Error(`still shut: ${shut.join(', ')}\n${this.stderr}`);
    }, timeoutMs);
    return monoMs() - startedMs;
  }

  /** Ends every keeper that was started, and waits for the last janitor. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      process.kill(child.pid, 'SIGCONT');
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    const janitor = this.janitor();
    await eventually(() => {
      if (janitor && isAlive(janitor)) throw new Error(`the janitor ${String(janitor.pid)} still works: ${JSON.stringify(this.faults())}`);
    }, 15_000);
  }
}

/** Freezes or thaws, or kills, a child, and returns once the kernel did it. */
export async function signal(child: ChildProcess, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): Promise<void> {
  const { pid } = child;
  if (pid === undefined) throw new Error('it never started');
  process.kill(pid, name);
  if (name === 'SIGKILL')
    await eventually(() => {
      if (identityOf(pid) !== null) throw new Error('it lives');
    });
}
