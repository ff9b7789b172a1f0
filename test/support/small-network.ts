// A network in memory for the pure logic of keeper and janitor; what a real router does is tested on a real one.
import { EXCLUDE_LABEL } from '../../src/cluster/intent/intent.ts';
import { nodeAdvertise } from '../../src/cluster/node-advertise.ts';
import { nodeServe } from '../../src/cluster/node-serve.ts';
import type { AdvertiseControl, BgpSession, Capabilities, LinkState, NodeChange, ServeControl } from '../../src/core/capabilities.ts';
import type { Environment } from '../../src/core/environment.ts';
import { AppError } from '../../src/core/errors.ts';
import { SmallCluster } from './small-cluster.ts';

type NodeThings = { isServing: boolean; isAdvertising: boolean; link: LinkState };

/** N nodes, each with an IPv4 and an IPv6 session; devices that can be deaf, slow or gone. A cluster beside it, or under its nodes. */
export class SmallNetwork {
  readonly environment: Environment;
  readonly cluster: SmallCluster;
  /** Whether the nodes are those of the cluster: Kubernetes then withdraws and stops them. */
  readonly #isKubernetes: boolean;
  /** By peer address; `true`: shut down by configuration. */
  readonly shut = new Map<string, boolean>();
  readonly nodes = new Map<string, NodeThings>();
  /** Every act in order, such as `shut 10.0.0.1`. */
  readonly acts: string[] = [];
  /** Takes every command and does nothing. */
  isDeaf = false;
  /** Commands hang until they are aborted. */
  isHanging = false;
  /** Runs before each act: somebody freezes us right there. */
  beforeAct: (act: string) => Promise<void> | void = () => undefined;

  constructor(nodes = 3, under: 'lab' | 'kubernetes' = 'lab') {
    const names = Array.from({ length: nodes }, (_, index) => `n${String(index + 1)}`);
    this.cluster = new SmallCluster(names);
    this.#isKubernetes = under === 'kubernetes';
    this.environment = {
      name: 'small',
      title: 'A small network',
      lab: null,
      vantages: [],
      vips: [{ name: 'web', address: '10.1.0.1', family: 4, port: 7000, policy: 'local', service: { namespace: 'default', name: 'web' } }],
      nodes: names.map((name, index) => ({ name, addresses: addressesOf(index + 1), podCidrs: [], netns: null, uplink: null })),
      routers: [{ name: 'tor', driver: 'frr', netns: null, vtysh: [] }],
      cluster: { kubeconfig: null, context: null, socket: null, metallbNamespace: 'metallb-system' },
      keeperSocket: null,
      observers: [],
    };
    names.forEach((name, index) => {
      for (const peer of addressesOf(index + 1)) this.shut.set(peer, false);
      this.nodes.set(name, { isServing: true, isAdvertising: true, link: { isUp: true, addresses: addressesOf(index + 1) } });
    });
  }

  get devices(): Capabilities {
    const act = async (text: string, signal: AbortSignal, change: () => void) => {
      await this.beforeAct(text);
      if (this.isHanging) await aborted(signal);
      signal.throwIfAborted();
      this.acts.push(text);
      if (!this.isDeaf) change();
    };
    const isShut = async (peer: string) => {
      const state = this.shut.get(peer);
      if (state === undefined) throw new AppError('TARGET_GONE', `no neighbour ${peer}`);
      return await Promise.resolve(state);
    };
    const setShut = (value: boolean) => async (peer: string, signal: AbortSignal) => {
      await act(`${value ? 'shut' : 'unshut'} ${peer}`, signal, () => this.shut.set(peer, value));
    };
    const setNode = (verb: string, change: (things: NodeThings) => void) => async (node: string, signal: AbortSignal) => {
      await act(`${verb} ${node}`, signal, () => {
        change(this.things(node));
      });
    };
    const cluster = this.cluster.control(act);
    const own = this.#ownControls(setNode);
    return {
      router: {
        name: 'tor',
        sessions: () => Promise.resolve(this.sessions()),
        nextHops: (prefix) => Promise.resolve(this.nextHops(prefix)),
      },
      sessions: { isShut, shut: setShut(true), unshut: setShut(false) },
      advertise: this.#isKubernetes ? nodeAdvertise(cluster) : own,
      serve: this.#isKubernetes ? nodeServe(cluster) : own,
      cluster,
      links: {
        linkState: (node) => Promise.resolve(structuredClone(this.things(node).link)),
        cutLinks: setNode('cutLinks', (things) => (things.link = { isUp: false, addresses: [] })),
        restoreLinks: async (node, state, signal) => {
          await act(`restoreLinks ${node}`, signal, () => (this.things(node).link = structuredClone(state)));
        },
      },
    };
  }

  /** All that a fault could have changed, to be compared as a whole. */
  snapshot(): unknown {
    return structuredClone({
      shut: Object.fromEntries(this.shut),
      nodes: Object.fromEntries(this.nodes),
      cluster: this.cluster.snapshot(),
    });
  }

  #ownControls(
    setNode: (verb: string, change: (things: NodeThings) => void) => (node: string, signal: AbortSignal) => Promise<void>,
  ): AdvertiseControl & ServeControl {
    const withdraw = setNode('withdraw', (things) => (things.isAdvertising = false));
    const advertise = setNode('advertise', (things) => (things.isAdvertising = true));
    const stop = setNode('stopServing', (things) => (things.isServing = false));
    const serve = setNode('serve', (things) => (things.isServing = true));
    const state = (node: string, key: 'isServing' | 'isAdvertising') => Promise.resolve({ [key]: this.things(node)[key] });
    const reading = ({ node, before }: NodeChange, key: 'isServing' | 'isAdvertising') => {
      const is = this.things(node)[key];
      return Promise.resolve({ isInForce: !is, isRestored: is === before[key], foreign: [] });
    };
    return {
      advertiseState: (node) => state(node, 'isAdvertising'),
      withdraw: ({ node }, signal) => withdraw(node, signal),
      restoreAdvertising: async ({ node, before }, signal) => {
        if (before.isAdvertising === true) await advertise(node, signal);
      },
      readWithdrawal: (change) => reading(change, 'isAdvertising'),
      serveState: (node) => state(node, 'isServing'),
      stopServing: ({ node }, signal) => stop(node, signal),
      restoreServing: async ({ node, before }, signal) => {
        if (before.isServing === true) await serve(node, signal);
      },
      readStop: (change) => reading(change, 'isServing'),
      obstaclesToWithdraw: () => Promise.resolve([]),
      obstaclesToStop: () => Promise.resolve([]),
    };
  }

  things(node: string): NodeThings {
    const things = this.nodes.get(node);
    if (!things) throw new Error(`no node ${node}`);
    return things;
  }

  private sessions(): BgpSession[] {
    return [...this.shut].map(([peer, isShut]) => ({ peer, state: isShut ? 'Idle' : 'Established', isShut, reason: '' }));
  }

  private nextHops(prefix: string): string[] {
    if (prefix !== '10.1.0.1/32') return [];
    return this.environment.nodes
      .filter(({ name, addresses: [v4 = ''] }) => {
        const { isServing, isAdvertising, link } = this.things(name);
        const isExcluded = EXCLUDE_LABEL in (this.cluster.get('nodes', name)?.metadata.labels ?? {});
        return this.shut.get(v4) === false && isServing && isAdvertising && link.isUp && !isExcluded;
      })
      .flatMap(({ addresses }) => addresses.slice(0, 1));
  }
}

function addressesOf(index: number): string[] {
  return [`10.0.0.${String(index)}`, `fd00::${String(index)}`];
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
