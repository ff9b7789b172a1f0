// What the cluster's control plane does when a backend comes or goes: every node's NAT rules, stale UDP entries, announcements.
import { familyOf } from '../../core/addresses.ts';
import { runCommand, tryCommand } from '../../io/command.ts';
import type { LabMember, LabPlan } from '../address-plan.ts';
import { networkCommands } from '../frr-config.ts';
import { natRules, type VipTarget } from '../nat-rules.ts';
import { vtysh } from '../vtysh.ts';

/** Nodes whose backend is ready, and what every node was told of it. */
export class Endpoints {
  readonly #plan: LabPlan;
  readonly #ready = new Set<string>();
  /** By node: backends its rules name, and addresses it announces. */
  readonly #told = new Map<string, { backends: Set<string>; announced: Set<string> }>();
  #turn: Promise<void> = Promise.resolve();

  constructor(plan: LabPlan) {
    this.#plan = plan;
    for (const node of plan.nodes) this.#told.set(node.name, { backends: new Set(), announced: new Set() });
  }

  /** Tells every node that the backend on `node` is, or is no longer, ready. Changes are told one after the other. */
  async set(node: string, isReady: boolean): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (isReady) this.#ready.add(node);
      else this.#ready.delete(node);
      await Promise.all(this.#plan.nodes.map(async (each) => Promise.all([this.#programNat(each), this.#announce(each)])));
    });
    // A node that could not be told is told all of it by the next change.
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #programNat(node: LabMember): Promise<void> {
    const told = this.#told.get(node.name);
    const targets = vipTargets(this.#plan, node, this.#ready);
    const own = node.addresses.map(({ address }) => address);
    await runCommand(['nft', '-f', '-'], { place: node, input: natRules(targets, own) });
    const backends = new Set(targets.flatMap((target) => target.backends.map((backend) => `${target.address} ${backend}`)));
    // A UDP flow would keep its entry to a dead backend for as long as it goes on sending.
    const gone = [...(told?.backends ?? [])].filter((pair) => !backends.has(pair));
    for (const pair of gone) {
      const [vip = '', backend = ''] = pair.split(' ', 2);
      const family = familyOf(vip) === 4 ? 'ipv4' : 'ipv6';
      // Ends with 1 when there was no entry.
      await tryCommand(['conntrack', '-D', '-f', family, '-p', 'udp', '--orig-dst', vip, '--reply-src', backend], { place: node });
    }
    if (told) told.backends = backends;
  }

  async #announce(node: LabMember): Promise<void> {
    const told = this.#told.get(node.name);
    const due = new Set(announcedBy(this.#plan, node, this.#ready));
    const announced = told?.announced ?? new Set();
    const change = {
      announce: [...due].filter((address) => !announced.has(address)),
      withdraw: [...announced].filter((address) => !due.has(address)),
    };
    if (change.announce.length + change.withdraw.length === 0) return;
    await vtysh({ stateFolder: this.#plan.stateFolder, name: node.name }, networkCommands(change));
    if (told) told.announced = due;
  }
}

/** Where the packets of each VIP go on `node`, given the nodes whose backend is ready. */
export function vipTargets(plan: LabPlan, node: LabMember, ready: ReadonlySet<string>): VipTarget[] {
  return plan.environment.vips.map(({ address, port, policy, family }) => ({
    address,
    port,
    policy,
    backends: plan.nodes
      .filter(({ name }) => ready.has(name) && (policy === 'cluster' || name === node.name))
      .flatMap(({ addresses }) => addresses.filter((own) => own.family === family).map((own) => own.address)),
  }));
}

/** Addresses of the VIPs that `node` announces: `local` ones with its own backend, `cluster` ones with anybody's. */
export function announcedBy(plan: LabPlan, node: LabMember, ready: ReadonlySet<string>): string[] {
  return vipTargets(plan, node, ready)
    .filter(({ backends }) => backends.length > 0)
    .map(({ address }) => address);
}
