// A network in memory for the pure logic of keeper and janitor; what a real router does is tested on a real one.
import type { BgpSession, Capabilities, LinkState } from '../../src/core/capabilities.ts';
import type { Environment } from '../../src/core/environment.ts';
import { AppError } from '../../src/core/errors.ts';

type NodeThings = { isServing: boolean; isAdvertising: boolean; link: LinkState };

/** N nodes, each with an IPv4 and an IPv6 session; devices that can be deaf, slow or gone. */
export class SmallNetwork {
  readonly environment: Environment;
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

  constructor(nodes = 3) {
    const names = Array.from({ length: nodes }, (_, index) => `n${String(index + 1)}`);
    this.environment = {
      name: 'small',
      title: 'A small network',
      lab: null,
      vantages: [],
      vips: [{ name: 'web', address: '10.1.0.1', family: 4, port: 7000, policy: 'local', service: null }],
      nodes: names.map((name, index) => ({ name, addresses: addressesOf(index + 1), podCidrs: [], netns: null, uplink: null })),
      routers: [{ name: 'tor', driver: 'frr', netns: null, vtysh: [] }],
      cluster: null,
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
    return {
      router: {
        name: 'tor',
        sessions: () => Promise.resolve(this.sessions()),
        nextHops: (prefix) => Promise.resolve(this.nextHops(prefix)),
      },
      sessions: { isShut, shut: setShut(true), unshut: setShut(false) },
      advertise: {
        isAdvertising: (node) => Promise.resolve(this.things(node).isAdvertising),
        withdraw: setNode('withdraw', (things) => (things.isAdvertising = false)),
        advertise: setNode('advertise', (things) => (things.isAdvertising = true)),
      },
      serve: {
        isServing: (node) => Promise.resolve(this.things(node).isServing),
        stopServing: setNode('stopServing', (things) => (things.isServing = false)),
        serve: setNode('serve', (things) => (things.isServing = true)),
      },
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
    return structuredClone({ shut: Object.fromEntries(this.shut), nodes: Object.fromEntries(this.nodes) });
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
        return this.shut.get(v4) === false && isServing && isAdvertising && link.isUp;
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
