// What every router driver promises, to be run against the real thing.
import { expect, test } from 'vitest';
import type { RouterDriver } from '../../../src/routers/router-driver.ts';
import type { Router } from '../../../src/core/environment.ts';
import { eventually } from '../../support/eventually.ts';

/** A real router, two of its peers, a prefix that both give it a next hop for, and its own configuration as text. */
export type RouterUnderTest = {
  router: Router;
  peers: readonly [string, string];
  prefix: string;
  configuration: () => Promise<string>;
};

const signal = () => AbortSignal.timeout(5_000);

export function routerContract(driver: RouterDriver, under: () => RouterUnderTest): void {
  const open = () => driver.open(under().router);

  test('lists its sessions, open ones as Established', async () => {
    const sessions = await open().sessions(signal());
    for (const peer of under().peers) {
      expect(sessions).toContainEqual(expect.objectContaining({ peer, state: 'Established', isShut: false }));
    }
  });

  test('shuts one session and no other, takes its next hop away, and puts the configuration back word for word', async () => {
    const { peers, prefix, configuration } = under();
    const [peer, other] = peers;
    const router = open();
    const before = await configuration();
    const hops = await router.nextHops(prefix, signal());
    await router.shut(peer, signal());
    try {
      expect(await router.isShut(peer, signal())).toBe(true);
      expect(await router.isShut(other, signal())).toBe(false);
      const session = (await router.sessions(signal())).find((each) => each.peer === peer);
      expect(session).toMatchObject({ isShut: true });
      expect(session?.reason).not.toBe('');
      await eventually(async () => {
        expect(await router.nextHops(prefix, signal())).toEqual(hops.filter((hop) => hop !== peer));
      });
    } finally {
      await router.unshut(peer, signal());
    }
    expect(await router.isShut(peer, signal())).toBe(false);
    expect(await configuration()).toBe(before);
    await eventually(async () => {
      expect(await router.nextHops(prefix, signal())).toEqual(hops);
    }, 15_000);
  });

  test('shutting and opening twice is the same as once', async () => {
    const [peer] = under().peers;
    const before = await under().configuration();
    const router = open();
    for (let count = 0; count < 2; count += 1) await router.unshut(peer, signal());
    expect(await under().configuration()).toBe(before);
  });

  test('has no next hop for a prefix that nobody advertises', async () => {
    expect(await open().nextHops('198.51.100.1/32', signal())).toEqual([]);
  });

  test('refuses every peer that is none of its own, and nothing of it reaches the router', async () => {
    const { peers, configuration } = under();
    const [peer] = peers;
    const before = await configuration();
    const router = open();
    for (const nobody of notPeers(peer)) {
      for (const act of ['shut', 'unshut', 'isShut'] as const) {
        await expect(router[act](nobody, signal()), JSON.stringify(nobody.slice(0, 80))).rejects.toMatchObject({ code: 'TARGET_GONE' });
      }
    }
    expect(await configuration()).toBe(before);
  }, 60_000);

  test('ends when it is aborted', async () => {
    const [peer] = under().peers;
    await expect(open().isShut(peer, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });

  test('a place that does not exist any more is gone, not silent', async () => {
    const gone = driver.open({ ...under().router, netns: 'holdfast-nowhere' });
    await expect(gone.sessions(signal())).rejects.toMatchObject({ code: 'TARGET_GONE' });
    await expect(gone.nextHops(under().prefix, signal())).rejects.toMatchObject({ code: 'TARGET_GONE' });
  });

  test('a router that does not run is told from one that is gone', async () => {
    const silent = driver.open({ ...under().router, vtysh: ['--vty_socket', '/nonexistent'] });
    await expect(silent.isShut(under().peers[0], signal())).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });
}

/** What a person, a file or an enemy might put where `peer` belongs. */
function notPeers(peer: string): string[] {
  return [
    '192.0.2.250',
    'n2',
    '',
    `${peer}\nconfigure terminal\nno router bgp 64512`,
    `${peer} shutdown\nexit`,
    `${peer}\r\nend`,
    `${peer}\n`,
    `${peer};reboot`,
    `${peer}%eth0\nend`,
    `::ffff:${peer}\n`,
    '$(reboot)',
    '-c',
    '--help',
    '\u0000',
    '*',
    '__proto__',
    'a'.repeat(100_000),
  ];
}
