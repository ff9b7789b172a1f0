// Driver for FRR: vtysh for sessions and configuration, the kernel for what is really installed.
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import type { BgpSession, RouterReader, SessionControl } from '../core/capabilities.ts';
import type { Router } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import { readAliases, readNextHops } from '../io/kernel-routes.ts';
import { isPlaceGone } from '../io/place-gone.ts';
import { type FrrBgpConfig, parseBgpConfig } from './frr-config.ts';
import { parseSessions } from './frr-sessions.ts';
import type { RouterDriver } from './router-driver.ts';

const COMMAND_MS = 3_000;

export const frr: RouterDriver = {
  driver: 'frr',
  open(router) {
    return new Frr(router);
  },
};

class Frr implements RouterReader, SessionControl {
  readonly name: string;
  readonly #router: Router;

  constructor(router: Router) {
    this.name = router.name;
    this.#router = router;
  }

  async sessions(signal: AbortSignal): Promise<BgpSession[]> {
    return parseSessions(await this.#vtysh(['show bgp neighbors json'], signal));
  }

  async nextHops(prefix: string, signal: AbortSignal): Promise<string[]> {
    this.#requirePlace();
    const hops = await readNextHops(this.#router, prefix, signal);
    // BGP over IPv6 installs link-local next hops, which name nobody; the neighbour table tells whose they are.
    return await Promise.all(hops.map(async (hop) => (isLinkLocal(hop) ? await this.#globalOf(hop, signal) : hop)));
  }

  async isShut(peer: string, signal: AbortSignal): Promise<boolean> {
    return this.#neighbour(await this.#config(signal), peer).isShut;
  }

  async shut(peer: string, signal: AbortSignal): Promise<void> {
    await this.#configure(peer, (address) => `neighbor ${address} shutdown`, signal);
  }

  async unshut(peer: string, signal: AbortSignal): Promise<void> {
    await this.#configure(peer, (address) => `no neighbor ${address} shutdown`, signal);
  }

  /** The command is made of the device's own spelling, never of what was asked for: vtysh would split that at a line feed. */
  async #configure(peer: string, commandFor: (address: string) => string, signal: AbortSignal): Promise<void> {
    const config = await this.#config(signal);
    const { spelling } = this.#neighbour(config, peer);
    await this.#vtysh(['configure terminal', `router bgp ${String(config.asn)}`, commandFor(spelling)], signal);
  }

  async #config(signal: AbortSignal): Promise<FrrBgpConfig> {
    return parseBgpConfig(await this.#vtysh(['show running-config bgpd'], signal));
  }

  #neighbour(config: FrrBgpConfig, peer: string): { spelling: string; isShut: boolean } {
    const address = canonicalAddress(peer);
    const neighbour = address === null ? undefined : config.neighbours.get(address);
    if (!neighbour) {
      throw new AppError('TARGET_GONE', `the router ${this.name} has no BGP neighbour ${JSON.stringify(peer.slice(0, 100))}`, {
        remedy: 'see that the nodes of the environment have the addresses that the router has as its neighbours',
      });
    }
    return neighbour;
  }

  async #globalOf(hop: string, signal: AbortSignal): Promise<string> {
    const aliases = await readAliases(this.#router, hop, signal);
    return aliases.find((alias) => familyOf(alias) === 6 && !isLinkLocal(alias)) ?? hop;
  }

  async #vtysh(commands: readonly string[], signal: AbortSignal): Promise<string> {
    this.#requirePlace();
    const args = commands.flatMap((command) => ['-c', command]);
    return await runCommand(['vtysh', ...this.#router.vtysh, ...args], { place: this.#router, timeoutMs: COMMAND_MS, signal });
  }

  #requirePlace(): void {
    if (!isPlaceGone(this.#router)) return;
    throw new AppError(
      'TARGET_GONE',
      `the network namespace ${String(this.#router.netns)} of the router ${this.name} does not exist any more`,
    );
  }
}

function isLinkLocal(address: string): boolean {
  return address.startsWith('fe80:');
}
