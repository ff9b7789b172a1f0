import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planLab } from '../../src/lab/address-plan.ts';
import { announcedBy, vipTargets } from '../../src/lab/controller/endpoints.ts';
import { natRules } from '../../src/lab/nat-rules.ts';
import { aLabFile } from '../support/lab-file.ts';

const plan = planLab(aLabFile({ nodes: 5 }), { name: 'golden', prefix: 'hf', uid: 0 });
const own = ['10.77.1.12', 'fd77:0:0:1::12'];
const n2 = plan.nodes[1];
if (!n2) throw new Error('no second node was planned');

test('a node with a backend and one other ready is ruled as the golden says', async () => {
  await expect(natRules(vipTargets(plan, n2, new Set(['n2', 'n4'])), own)).toMatchFileSnapshot('../golden/lab/node.nft');
});

test('without its own backend a node takes no packet of a local VIP, and announces it no longer', () => {
  const ready = new Set(['n1', 'n3']);
  const rules = natRules(vipTargets(plan, n2, ready), own);
  expect(rules).not.toMatch(/prerouting ip daddr 10\.77\.10\.1 /);
  expect(rules).toMatch(/forward ip daddr 10\.77\.10\.1 drop/);
  expect(announcedBy(plan, n2, ready)).toEqual(['10.77.10.2', 'fd77:0:0:10::4']);
  expect(announcedBy(plan, n2, new Set())).toEqual([]);
});

test('whoever is ready, only ready backends are named, of the VIP’s family, and only cluster VIPs are rewritten', () => {
  fc.assert(
    fc.property(fc.subarray(plan.nodes), (nodes) => {
      const ready = new Set(nodes.map(({ name }) => name));
      const readyAddresses = nodes.flatMap(({ addresses }) => addresses.map(({ address }) => address));
      for (const line of natRules(vipTargets(plan, n2, ready), own).split('\n')) {
        const [, family, vip = '', target] = / (ip6?) daddr (\S+) .* dnat ip6? to (.+):7000$/.exec(line) ?? [];
        if (target !== undefined) {
          const named = target.match(/\d+\.\d+\.\d+\.\d+|fd77:[0-9a-f:]+/g) ?? [];
          expect(named.length).toBeGreaterThan(0);
          for (const address of named) expect(readyAddresses).toContain(address);
          for (const address of named) expect(address.includes(':')).toBe(family === 'ip6');
          if (['10.77.10.1', 'fd77:0:0:10::3'].includes(vip)) expect(named).toHaveLength(1);
        }
        if (/masquerade|snat/.test(line)) expect(line).toMatch(/daddr (10\.77\.10\.2|fd77:0:0:10::4) /);
      }
    }),
  );
});
