// How the router spreads flows, asked of its kernel port by port (`ip route get`): each kind of lab behaves as its file says.
import { expect, test } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { aLab, hopsTo, portMap } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';

const PORTS = 600;

test('hash-threshold: a middle hop takes only its own flows, an end hop moves others too, and each return restores the map', async () => {
  await using opened = await aLab('tthresh');
  const { lab } = opened;
  const [, middle = '', end = ''] = await hopsTo(lab, 'web');
  const before = await portMap(lab, 'web', PORTS);

  const withoutMiddle = await mapWithout(lab, middle);
  expect(moved(before, withoutMiddle, middle)).toBe(0);
  expect(await portMap(lab, 'web', PORTS)).toEqual(before);

  const withoutEnd = await mapWithout(lab, end);
  // RFC 2992: of the others' two thirds the middle hop's lower half moves, a sixth of all. Six standard deviations either way.
  expect(moved(before, withoutEnd, end)).toBeGreaterThan(PORTS / 6 - 55);
  expect(moved(before, withoutEnd, end)).toBeLessThan(PORTS / 6 + 55);
  expect(await portMap(lab, 'web', PORTS)).toEqual(before);
});

test('l3: all flows of a vantage to one VIP go one way', async () => {
  await using opened = await aLab('tl3', { hash: 'l3' });
  expect(new Set((await portMap(opened.lab, 'web', 100)).values()).size).toBe(1);
  expect(new Set((await portMap(opened.lab, 'web6', 100)).values()).size).toBe(1);
});

test('resilient: no other flow moves on the drop of any hop, and none moves back while its bucket is in use', async () => {
  await using opened = await aLab('tresil', { nextHopGroups: { resilient: { idleTimer: '120s' } } });
  const { lab } = opened;
  for (const vip of ['web', 'web6']) {
    const before = await portMap(lab, vip, PORTS);
    const gone = (await hopsTo(lab, vip)).at(-1) ?? '';
    const without = await mapWithout(lab, gone, vip);
    expect(moved(before, without, gone)).toBe(0);
    expect([...without.values()]).not.toContain(gone);
    expect([...(await portMap(lab, vip, PORTS)).values()]).not.toContain(gone);
  }
});

test('resilient with an idle timer of 0 s: a hop that returns gets its share back', async () => {
  await using opened = await aLab('tresil0', { nextHopGroups: { resilient: { idleTimer: '0s' } } });
  const { lab } = opened;
  const before = await portMap(lab, 'web', PORTS);
  const gone = (await hopsTo(lab, 'web')).at(-1) ?? '';
  expect(moved(before, await mapWithout(lab, gone), gone)).toBe(0);
  await eventually(async () => {
    const share = [...(await portMap(lab, 'web', PORTS)).values()].filter((node) => node === gone).length / PORTS;
    expect(share).toBeGreaterThan(0.2);
  }, 5_000);
});

/** The map while `node` withholds its announcements; returns once it is back. */
async function mapWithout(lab: Lab, node: string, vip = 'web'): Promise<Map<number, string>> {
  const signal = AbortSignal.timeout(30_000);
  const before = await hopsTo(lab, vip);
  await lab.nodes.withdraw(node, signal);
  const map = await eventually(async () => {
    const now = await portMap(lab, vip, PORTS);
    expect([...now.values()]).not.toContain(node);
    return now;
  }, 5_000);
  await lab.nodes.advertise(node, signal);
  await eventually(async () => {
    expect(await hopsTo(lab, vip)).toEqual(before);
  }, 5_000);
  return map;
}

/** How many ports that were not on `gone` go elsewhere now. */
function moved(before: ReadonlyMap<number, string>, after: ReadonlyMap<number, string>, gone: string): number {
  return [...before].filter(([port, node]) => node !== gone && after.get(port) !== node).length;
}
