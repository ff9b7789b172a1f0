// What faults do to a lab's nodes, on one real lab with a hold time of 3 s.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { selfArgv } from '../../src/cli/self.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { labStatus } from '../../src/lab/lab-status.ts';
import { readStatus } from '../../src/lab/controller/run-controller.ts';
import { proveSound } from '../../src/lab/soundness.ts';
import { aLab, hopsTo } from '../support/a-lab.ts';
import { eventually } from '../support/eventually.ts';

let opened: { lab: Lab } & AsyncDisposable;
let lab: Lab;
const signal = AbortSignal.timeout(300_000);
beforeAll(async () => {
  opened = await aLab('tnodes');
  lab = opened.lab;
});
afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

const whole = async () => {
  expect([...(await hopsTo(lab, 'web'))].sort()).toEqual(['n1', 'n2', 'n3']);
};

test('the status names every member with its namespace, addresses, uplink and state', async () => {
  const { members } = await labStatus(lab, signal);
  expect(members.map(({ name, netns }) => [name, netns])).toEqual(
    ['tor', 'n1', 'n2', 'n3', 'v1', 'v2'].map((name) => [name, `tnodes-${name}`]),
  );
  expect(members[0]?.sessions?.map(({ state }) => state)).toEqual(['Established', 'Established', 'Established']);
  expect(members.find(({ name }) => name === 'n2')).toMatchObject({
    addresses: ['10.77.1.12', 'fd77:0:0:1::12'],
    uplink: 'eth0',
    state: 'up',
    vips: ['web', 'web-cluster', 'web6', 'web6-cluster'],
    isServing: true,
  });
});

test('a node that withdraws leaves every route while it goes on serving, and gets its place back when it advertises again', async () => {
  const before = await hopsTo(lab, 'web');
  await lab.nodes.withdraw('n2', signal);
  expect(await lab.nodes.isAdvertising('n2', signal)).toBe(false);
  await eventually(async () => {
    for (const vip of ['web', 'web-cluster', 'web6', 'web6-cluster']) expect(await hopsTo(lab, vip)).not.toContain('n2');
  }, 3_000);
  expect(await lab.nodes.isServing('n2', signal)).toBe(true);
  await lab.nodes.advertise('n2', signal);
  expect(await lab.nodes.isAdvertising('n2', signal)).toBe(true);
  await eventually(async () => {
    expect(await hopsTo(lab, 'web')).toEqual(before);
  }, 3_000);
});

test('a node that stops serving leaves the local VIPs alone; through the cluster ones others answer, also known UDP flows', async () => {
  // Leaves an entry for each of its UDP flows in the nodes' connection tables, a third of them to n3.
  await proveSound(lab.plan, selfArgv(), signal);
  await lab.nodes.stopServing('n3');
  await eventually(async () => {
    expect(await lab.nodes.isServing('n3', signal)).toBe(false);
    expect([...(await hopsTo(lab, 'web'))].sort()).toEqual(['n1', 'n2']);
    expect([...(await hopsTo(lab, 'web6'))].sort()).toEqual(['n1', 'n2']);
  }, 5_000);
  expect(await hopsTo(lab, 'web-cluster')).toContain('n3');
  expect(await lab.nodes.isAdvertising('n3', signal)).toBe(true);
  await proveSound(lab.plan, selfArgv(), signal);
  await lab.nodes.serve('n3');
  await eventually(whole, 5_000);
  expect(await lab.nodes.isServing('n3', signal)).toBe(true);
});

test('a responder that dies by itself is started again, and its node announces again', async () => {
  const responder = readStatus(lab.stateFolder)?.nodes.n1?.responder;
  process.kill(responder?.pid ?? NaN, 'SIGKILL');
  await eventually(async () => {
    expect(await hopsTo(lab, 'web')).not.toContain('n1');
  }, 3_000);
  await eventually(whole, 8_000);
  expect(readStatus(lab.stateFolder)?.nodes.n1?.responder).not.toEqual(responder);
});

test('a node cut from its links keeps its route until the hold timer, and gets back exactly what it had', async () => {
  const before = await lab.nodes.linkState('n2', signal);
  expect(before.isUp).toBe(true);
  const cutAt = performance.now();
  await lab.nodes.cutLinks('n2', signal);
  expect((await lab.nodes.linkState('n2', signal)).isUp).toBe(false);
  await eventually(async () => {
    expect(await hopsTo(lab, 'web')).not.toContain('n2');
  }, 5_000);
  // Hold time 3 s, counted from the last keepalive, of which one comes each second.
  expect(performance.now() - cutAt).toBeGreaterThan(1_500);
  await lab.nodes.restoreLinks('n2', before, signal);
  expect(await lab.nodes.linkState('n2', signal)).toEqual(before);
  await eventually(whole, 8_000);
});

test('every act may be repeated', async () => {
  const before = await lab.nodes.linkState('n1', signal);
  for (let round = 0; round < 2; round++) {
    await lab.nodes.withdraw('n1', signal);
    await lab.nodes.cutLinks('n1', signal);
  }
  for (let round = 0; round < 2; round++) {
    await lab.nodes.restoreLinks('n1', before, signal);
    await lab.nodes.advertise('n1', signal);
  }
  expect(await lab.nodes.linkState('n1', signal)).toEqual(before);
  await eventually(whole, 8_000);
});

test('after all of it a 5-tuple dialled twice still comes in by one node', async () => {
  await eventually(async () => {
    await proveSound(lab.plan, selfArgv(), signal);
  }, 5_000);
});
