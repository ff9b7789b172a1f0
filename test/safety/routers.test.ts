// The contract of router drivers, on the real router of a lab.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostPrefix } from '../../src/core/addresses.ts';
import { runCommand } from '../../src/io/command.ts';
import { ROUTER_DRIVERS } from '../../src/routers/index.ts';
import { routerContract, type RouterUnderTest } from '../contract/router/router-contract.ts';
import { aLab } from '../support/a-lab.ts';

/** How to get a real router of each driver. A driver without an entry fails below. */
const REAL: Record<string, () => RouterUnderTest> = { frr: frrOfTheLab };

let lab: Awaited<ReturnType<typeof aLab>>;
beforeAll(async () => {
  lab = await aLab('hfrouter');
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

function frrOfTheLab(): RouterUnderTest {
  const { routers, nodes, vips } = lab.lab.environment;
  const [router] = routers;
  const [n1, n2] = nodes.map(({ addresses }) => addresses[0] ?? '');
  if (!router || n1 === undefined || n2 === undefined) throw new Error('a lab has a router and nodes');
  return {
    router,
    peers: [n2, n1],
    prefix: hostPrefix(vips[0]?.address ?? ''),
    configuration: () => runCommand(['vtysh', ...router.vtysh, '-c', 'show running-config']),
  };
}

test('every driver has a real router to be tried on', () => {
  expect(ROUTER_DRIVERS.map(({ driver }) => driver).sort()).toEqual(Object.keys(REAL).sort());
});

describe.each(ROUTER_DRIVERS.map((driver) => ({ name: driver.driver, driver })))('$name', ({ name, driver }) => {
  routerContract(driver, () => REAL[name]?.() ?? frrOfTheLab());
});
