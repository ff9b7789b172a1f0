// A node's namespace with somebody beside it, and hosts of one pod in it, one after the other, to be killed and succeeded.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCommand, tryCommand } from '../../src/io/command.ts';
import type { PodStatus } from '../../src/lab/kubelet/pod-status.ts';
import { endLeftovers, processesOfPod } from '../../src/lab/kubelet/pod-process.ts';
import type { KubeObject } from '../../src/cluster/kube-client.ts';
import type { ToPodHost } from './a-pod-host.ts';

const SCRIPT = fileURLToPath(new URL('./a-pod-host.ts', import.meta.url));

export class PodBench implements AsyncDisposable {
  readonly prefix: string;
  readonly folder: string;
  readonly statuses: PodStatus[] = [];
  isOver = false;
  isCleared = false;
  said = '';
  #child: ChildProcess | null = null;

  private constructor(prefix: string) {
    this.prefix = prefix;
    this.folder = mkdtempSync('/tmp/holdfast-pods-');
  }

  /** The node has 10.77.1.11 and the one beside it 10.77.1.1, who sends packets for pods to the node. */
  static async open(prefix: string): Promise<PodBench> {
    const bench = new PodBench(prefix);
    await bench.#removeNamespaces();
    const { node, beside } = bench;
    await batch(null, [`netns add ${node}`, `netns add ${beside}`]);
    await batch(null, [`link add eth0 netns ${node} type veth peer name eth0 netns ${beside}`]);
    await batch(node, ['link set lo up', 'link set eth0 up', 'addr add 10.77.1.11/24 dev eth0']);
    await batch(beside, ['link set lo up', 'link set eth0 up', 'addr add 10.77.1.1/24 dev eth0', 'route add 10.77.21.0/24 via 10.77.1.11']);
    await runCommand(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'], { place: { netns: node } });
    return bench;
  }

  get node(): string {
    return `${this.prefix}-n1`;
  }

  get beside(): string {
    return `${this.prefix}-beside`;
  }

  get last(): PodStatus | undefined {
    return this.statuses.at(-1);
  }

  /** Starts a host and has it run `pod`. */
  run(pod: KubeObject): void {
    const child = spawn('nsenter', [`--net=/run/netns/${this.node}`, '--', process.execPath, SCRIPT, this.prefix, this.folder], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdin.on('error', () => undefined); // it was killed
    child.stderr.on('data', (text: Buffer) => {
      this.said += text.toString();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as { status?: PodStatus; over?: true; cleared?: true };
      if (told.status) this.statuses.push(told.status);
      this.isOver ||= told.over === true;
      this.isCleared ||= told.cleared === true;
    });
    this.tell({ run: pod });
  }

  tell(order: ToPodHost): void {
    this.#child?.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** As `kill -9` of a kubelet. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Pids of the main processes of a pod; more than one would be a mistake. */
  leaders(uid = 'u-1'): number[] {
    return processesOfPod(uid).flatMap(({ pid, isLeader }) => (isLeader ? [pid] : []));
  }

  async podNamespaces(): Promise<string[]> {
    const output = await runCommand(['ip', 'netns', 'list']);
    return output.split('\n').flatMap((line) => line.split(' ', 1).filter((name) => name.startsWith(`${this.prefix}-p-`)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await endLeftovers('u-1');
    await this.#removeNamespaces();
    rmSync(this.folder, { recursive: true, force: true });
  }

  log(name = 'default_web-1'): string {
    return join(this.folder, 'pods', `${name}.log`);
  }

  async #removeNamespaces(): Promise<void> {
    for (const netns of [...(await this.podNamespaces()), this.node, this.beside]) await tryCommand(['ip', 'netns', 'delete', netns]);
  }
}

async function batch(netns: string | null, lines: string[]): Promise<void> {
  await runCommand(netns === null ? ['ip', '-batch', '-'] : ['ip', '-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
