import { expect, test } from 'vitest';
import { environmentForms } from '../../src/core/environment.ts';

type Vip = Record<string, unknown>;
const mistakesOf = (lab: object, vips: Vip[], observers: string[] = ['routes']) => {
  const { error } = environmentForms.lab.safeParse({ title: 'x', lab, vips, observers });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

test('a cluster has IPv4 alone, and its VIPs are names of Services', () => {
  const vips = [
    { name: 'web', policy: 'local', family: 6 },
    { name: '1.web', policy: 'local' },
  ];
  expect(mistakesOf({ cluster: {} }, vips)).toEqual([
    expect.stringMatching(/^vips\.0\.family: expected 4/) as string,
    expect.stringMatching(/^vips\.1\.name: expected a name that begins with a letter/) as string,
  ]);
  expect(mistakesOf({}, vips)).toEqual([]);
});

test('what only a cluster has is refused without one', () => {
  const vips = [{ name: 'web', policy: 'cluster', affinity: 'client-ip' }];
  expect(mistakesOf({}, vips, ['routes', 'cluster'])).toEqual([
    expect.stringMatching(/^vips\.0\.affinity: expected none/) as string,
    expect.stringMatching(/^observers\.1: expected routes or bgp/) as string,
  ]);
  expect(mistakesOf({ cluster: {} }, vips, ['routes', 'cluster'])).toEqual([]);
});
