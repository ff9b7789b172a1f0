// One's own network in the form that a run uses.
import { expect, test } from 'vitest';
import { resolveOwnEnvironment } from '../../src/cli/own-environment.ts';
import { environmentForms } from '../../src/core/environment.ts';

const FILE = { title: 'Ours', vips: [{ name: 'web', address: '192.0.2.1', policy: 'local' }], key: '${file:holdfast.key}' };
const resolved = (more: object) => resolveOwnEnvironment(environmentForms.own.parse({ ...FILE, ...more }), 'ours');

test('a router has its addresses in the form in which peers are compared with them', () => {
  const routers = [
    { name: 'r1', driver: 'frr', addresses: ['10.1.0.1', 'FD00:0::1'] },
    { name: 'r2', driver: 'frr' },
  ];
  expect(resolved({ routers }).routers).toMatchObject([{ addresses: ['10.1.0.1', 'fd00::1'] }, { addresses: [] }]);
});

test('how routers spread flows is as the file says, whole, or not known', () => {
  const ecmp = { hash: 'l4', nextHopGroups: 'resilient' };
  expect(resolved({ ecmp })).toMatchObject({ ecmp });
  expect(resolved({})).not.toHaveProperty('ecmp');
  expect(() => resolved({ ecmp: { hash: 'l4' } })).toThrow(/nextHopGroups/);
});
