// Orders reach the agents: signed, with rising serials, again until they are taken.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SignedOrder } from '../../../src/core/agent-messages.ts';
import { newSigningKeyPem, signingKey, verifiedOrder } from '../../../src/io/order-signature.ts';
import { Agents } from '../../../src/service/monitors/agents.ts';
import { openStore, type Store } from '../../../src/service/store/open-store.ts';
import { anAgentState, SteppedClock } from './support/a-monitor.ts';

const key = signingKey(newSigningKeyPem());
let store: Store;
let clock: SteppedClock;
let sent: { agent: string; order: SignedOrder }[];
let isQueueAway: boolean;
beforeEach(async () => {
  store = await openStore(':memory:');
  clock = new SteppedClock();
  sent = [];
  isQueueAway = false;
});
afterEach(async () => {
  await store.destroy();
});

function openAgents(): Promise<Agents> {
  return Agents.open({
    store,
    clock,
    key,
    holdings: () => [],
    log: () => undefined,
    sendOrder: (agent, order) => {
      if (isQueueAway) return Promise.reject(new Error('no Redis'));
      sent.push({ agent, order });
      return Promise.resolve();
    },
  });
}
const serials = () => sent.map(({ order }) => verifiedOrder(order, key.publicPem).serial);
const v1 = { name: 'a1', environment: 'three-nodes', vantage: 'v1' };

describe('an order', () => {
  test('is signed, names its agent, and has a higher serial than every one before, over restarts too', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    await agents.orderAll();
    await (await openAgents()).orderAll();
    expect(serials()).toEqual([1, 2, 3]);
    expect(verifiedOrder(sent[0]?.order ?? { order: '', signature: '' }, key.publicPem).agent).toBe('a1');
  });

  test('that the queue lost goes out again, unchanged, when the agent says it has an older one, every few seconds', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    isQueueAway = true;
    await agents.orderAll();
    expect(agents.problems).toEqual([expect.stringMatching(/a1 could not be sent: no Redis/)]);
    isQueueAway = false;
    for (let second = 0; second < 10; second += 1) {
      clock.step(1_000);
      expect(await agents.takeState('a1', anAgentState({ serial: 1 }))).toBe(2);
    }
    expect(serials()).toEqual([1, 2, 2, 2]);
    expect(agents.problems).toEqual([]);
    clock.step(10_000);
    await agents.takeState('a1', anAgentState({ serial: 2 }));
    expect(serials()).toEqual([1, 2, 2, 2]);
  });

  test('goes above the serial of an agent that remembers more than a new store', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    expect(await agents.takeState('a1', anAgentState({ serial: 57 }))).toBe(58);
    expect(serials()).toEqual([1, 58]);
  });

  test('to hold nothing is the last that a removed agent gets', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    await agents.remove('a1');
    expect(serials()).toEqual([1, 2]);
    await expect(agents.takeState('a1', anAgentState())).rejects.toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
    expect((await openAgents()).at('three-nodes', 'v1')).toBeNull();
  });
});

describe('an agent', () => {
  test('has its vantage for itself', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    await agents.add(v1);
    await expect(agents.add({ ...v1, name: 'a2' })).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    expect(serials()).toEqual([1]);
  });

  test('is silent after 10 s without a word, of which the time that the service was away does not count', async () => {
    const agents = await openAgents();
    await agents.add(v1);
    await agents.takeState('a1', anAgentState());
    clock.step(10_000);
    expect(agents.isSilent(agents.get('a1'))).toBe(false);
    clock.step(1);
    expect(agents.isSilent(agents.get('a1'))).toBe(true);
    clock.step(3_600_000);
    const restarted = await openAgents();
    expect(restarted.isSilent(restarted.get('a1'))).toBe(false);
    expect(restarted.get('a1').state?.version).toBe('0');
  });
});
