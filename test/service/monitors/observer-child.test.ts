// The observers' process: what it says is passed on, its death is a blindness, and the next one tells everything anew.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { monoMs } from '../../../src/io/clock.ts';
import type { ObserverEvent } from '../../../src/observers/observer.ts';
import { isObservable, ObserverChild } from '../../../src/service/monitors/observer-child.ts';
import { eventually } from '../../support/eventually.ts';
import { aCatalogue } from './support/a-monitor.ts';

const environment = aCatalogue({ observers: ['routes'] }).environments.get('three-nodes')?.environment;
let events: ObserverEvent[];
let logged: string[];
beforeEach(() => {
  events = [];
  logged = [];
});
let child: ObserverChild | null = null;
afterEach(async () => {
  await child?.[Symbol.asyncDispose]();
});

/** Starts a program in the place of `holdfast observe`. */
function observeBy(program: string): ObserverChild {
  if (!environment) throw new Error('unreachable: the catalogue has it');
  child = new ObserverChild({
    argv: [process.execPath, '--input-type=module', '-e', program],
    environment,
    monoMs,
    emit: (event) => events.push(event),
    log: (line) => logged.push(line),
  });
  return child;
}

const sets = (count: number) => `
  for (let seq = 0; seq < ${String(count)}; seq += 1) {
    const nextHops = [{ address: '10.77.0.11', node: 'n' + seq }];
    console.log(JSON.stringify({ t: seq, from: 'observer:tor', seq, type: 'next-hops', observer: 'routes', router: 'tor', prefix: '10.77.200.1/32', nextHops, settled: true }));
  }`;
const untilClosed = 'process.stdin.resume().once("end", () => process.exit());';
const types = () => events.map(({ type }) => type);

test('what it says is passed on, and its last word stands for who comes later', async () => {
  const observers = observeBy(`${sets(3)} ${untilClosed}`);
  await eventually(() => {
    expect(types()).toEqual(['next-hops', 'next-hops', 'next-hops']);
  });
  expect(observers.standing()).toEqual([events[2]]);
  expect(observers.problem).toBeNull();
});

test('one that dies blinds the watch until the next one tells everything anew', async () => {
  const observers = observeBy(`${sets(1)} setTimeout(() => { console.error('out of luck'); process.exit(3); }, 50);`);
  await eventually(() => {
    expect(types().slice(0, 4)).toEqual(['next-hops', 'observer.blind', 'next-hops', 'observer.blind']);
  });
  expect(events[1]).toMatchObject({ from: 'observer:tor', observer: 'routes', reason: 'ended with 3: out of luck' });
  expect(observers.problem).toMatch(/three-nodes is not observed: its observers ended with 3: out of luck/);
  expect(observers.standing().map(({ type }) => type)).toContain('observer.blind');
});

test('one that says what is no event is ended and started again', async () => {
  observeBy(`console.log('{"type":"run.ended"}'); ${untilClosed}`);
  await eventually(() => {
    expect(types()).toEqual(expect.arrayContaining(['observer.blind']));
  });
  expect(logged.join()).toMatch(/message not understood/);
});

test('a program that cannot be started is a problem, and closing ends the trying', async () => {
  if (!environment) throw new Error('unreachable: the catalogue has it');
  const observers = new ObserverChild({
    argv: ['/no/such/program'],
    environment,
    monoMs,
    emit: (event) => events.push(event),
    log: () => undefined,
  });
  await eventually(() => {
    expect(observers.problem).toMatch(/could not be started/);
  });
  await observers[Symbol.asyncDispose]();
});

test('whoever missed something has it started anew', async () => {
  const observers = observeBy(`${sets(1)} ${untilClosed}`);
  await eventually(() => {
    expect(types()).toEqual(['next-hops']);
  });
  observers.startAnew();
  await eventually(() => {
    expect(types()).toEqual(['next-hops', 'observer.blind', 'next-hops']);
  });
});

test('an environment is observed where it names an observer that finds a router there, or a cluster', () => {
  if (!environment) throw new Error('unreachable: the catalogue has it');
  const cluster = { kubeconfig: 'config', context: null, socket: null, metallbNamespace: 'metallb-system' };
  expect(isObservable(environment)).toBe(true);
  expect(isObservable({ ...environment, observers: [] })).toBe(false);
  expect(isObservable({ ...environment, routers: [] })).toBe(false);
  expect(isObservable({ ...environment, routers: [], cluster, observers: ['cluster'] })).toBe(true);
});
