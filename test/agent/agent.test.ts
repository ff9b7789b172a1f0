// The agent as a whole: a real process with real Redis, HTTP, probers and responders.
import { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { agentQueueName } from '../../src/core/agent-messages.ts';
import type { JournalEvent } from '../../src/core/journal.ts';
import { monoMs } from '../../src/io/clock.ts';
import { newSigningKeyPem, signingKey } from '../../src/io/order-signature.ts';
import { aPopulation } from '../support/a-prober.ts';
import { aResponder } from '../support/a-responder.ts';
import { eventually } from '../support/eventually.ts';
import { RedisProcess } from './a-redis.ts';
import { AGENT, aHolding, ServiceDouble } from './a-service.ts';
import { AgentProcess, anAgentFile } from './an-agent.ts';

type Bench = { redis: RedisProcess; service: ServiceDouble; agent: AgentProcess; queue: Queue; port: number } & AsyncDisposable;

/** All that an agent needs, and the agent. */
async function aBench(more: object = {}): Promise<Bench> {
  const opened = new AsyncDisposableStack();
  const responder = opened.use(await aResponder());
  const redis = opened.use(await RedisProcess.start());
  const service = opened.use(await ServiceDouble.start());
  const queue = new Queue(agentQueueName(AGENT), { connection: { path: redis.path } });
  queue.on('error', () => undefined);
  opened.defer(() => queue.close());
  const agent = opened.use(AgentProcess.start(anAgentFile({ service: service.url, redis: `unix:${redis.path}` }, more)));
  return { redis, service, agent, queue, port: responder.port, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function holding({ service, queue, port }: Bench, serial = 1): Promise<void> {
  await queue.add('assign', service.order(serial, [aHolding(port)]));
  await eventually(() => {
    expect(service.holdingNow()).toMatchObject({ state: 'holding', open: 3 });
  });
}

/** Waits until more of the present stream has come, and returns its events. */
async function more(service: ServiceDouble, count = 2): Promise<JournalEvent[]> {
  const before = service.events.length;
  await eventually(() => {
    expect(service.events.length).toBeGreaterThanOrEqual(before + count);
  });
  return service.events;
}

const ofType = (events: JournalEvent[], type: JournalEvent['type']) => events.filter((event) => event.type === type);

describe('an agent', { timeout: 60_000 }, () => {
  it('enrols, takes an order, holds its flows, tells what becomes of them, and ends in order', async () => {
    await using bench = await aBench();
    const { service, agent, queue } = bench;
    await holding(bench);
    await more(service);
    const [stream, ...others] = service.streams.values();
    expect(others).toEqual([]);
    expect(ofType(service.events, 'flow.opened').length).toBe(3);
    expect(stream?.events.map(({ seq }) => seq)).toEqual(stream?.events.map((_, index) => index));
    expect(service.events.filter(({ from, clockErrMs }) => from !== 'prober:v1' || (clockErrMs ?? 0) > 0)).toEqual([]);
    expect(service.state).toMatchObject({ serial: 1, droppedEvents: 0, clock: { offsetMs: 0, errMs: 0 } });
    const canary = await queue.add('canary', {});
    await eventually(async () => {
      expect(await canary.getState()).toBe('completed');
    });
    expect(await agent.end('SIGTERM')).toBe(0);
    expect(ofType(service.events, 'flow.closed').length).toBe(3);
    expect(ofType(service.events, 'flow.broken')).toEqual([]);
  });

  it('leaves a prober alone that the next order names unchanged, starts what is new and ends what is not named', async () => {
    await using bench = await aBench();
    const { service, queue, port } = bench;
    const first = aHolding(port);
    const second = aHolding(port, { monitor: 'other', session: 's2' });
    await queue.add('assign', service.order(1, [first]));
    await eventually(() => {
      expect(service.holdingNow().state).toBe('holding');
    });
    await queue.add('assign', service.order(2, [first, second]));
    await eventually(() => {
      expect(service.holdingNow('other').state).toBe('holding');
      expect(service.streams.size).toBe(2);
    });
    await queue.add('assign', service.order(3, [second]));
    await eventually(() => {
      expect(service.state?.holdings.map(({ monitor }) => monitor)).toEqual(['other']);
      expect(ofType(service.events, 'flow.closed').length).toBe(3);
    });
    await more(service);
    expect(service.streams.size).toBe(2);
  });

  it('takes no order that is forged, repeated, old, for another, or beyond its own limits, and goes on with what it has', async () => {
    await using bench = await aBench();
    const { service, queue, port, agent } = bench;
    await holding(bench, 5);
    const forger = { ...service.order(6, []), signature: 'x' };
    const elsewhere = aHolding(port, {
      monitor: 'attack',
      populations: [aPopulation(port, { vip: { name: 'x', address: '198.51.100.7', port, policy: 'local' } })],
    });
    const jobs = [
      await queue.add('assign', forger),
      await queue.add('assign', service.order(7, [], { agent: 'edge-2' })),
      await queue.add('assign', { order: '{}', signature: '' }),
      await queue.add('assign', null),
      await queue.add('shell', { command: 'id' }),
    ];
    for (const job of jobs) {
      await eventually(async () => {
        expect(await job.getState()).toBe('failed');
      });
    }
    for (const old of [await queue.add('assign', service.order(5, [])), await queue.add('assign', service.order(2, []))]) {
      await eventually(async () => {
        expect(await old.getState()).toBe('completed');
      });
    }
    await queue.add(
      'assign',
      service.order(8, [elsewhere, aHolding(port, { monitor: 'many', populations: [aPopulation(port, { count: 49 })] })]),
    );
    await eventually(() => {
      expect(service.state?.serial).toBe(8);
      expect(service.holdingNow('attack')).toMatchObject({
        state: 'refused',
        why: expect.stringContaining('outside allow.cidrs') as string,
      });
    });
    expect(agent.log).toContain('not signed by the key that this agent pinned');
  });

  it('loses nothing and tells nothing twice while the service is away, is killed itself, and starts without Redis', async () => {
    await using bench = await aBench();
    const { service, agent, redis } = bench;
    await holding(bench);
    service.swallows = true;
    await more(service, 2);
    await service.close();
    await agent.says('waits on disk');
    await redis.kill();
    await agent.says('Redis does not answer');
    await agent.end('SIGKILL');
    agent.again();
    await eventually(() => {
      expect(agent.log.match(/held from now on/g)?.length).toBe(2);
    });
    service.swallows = false;
    await service.open();
    await eventually(() => {
      expect(service.streams.size).toBe(2);
    });
    await more(service);
    for (const { events } of service.streams.values()) expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    const flows = ofType(service.events, 'flow.opened').map((event) => (event as { flow: string }).flow);
    expect(new Set(flows).size).toBe(6);
    await redis.again();
    await agent.says(/Redis answers[^]*Redis answers/);
  });

  it('starts another prober when one dies, which uses no name of a flow again', async () => {
    await using bench = await aBench();
    const { service, agent } = bench;
    await holding(bench);
    const { children } = await proberOf(agent.pid);
    for (const pid of children) process.kill(pid, 'SIGKILL');
    await agent.says(/ended with SIGKILL/);
    await eventually(() => {
      expect(service.streams.size).toBe(2);
      expect(service.holdingNow()).toMatchObject({ state: 'holding', open: 3 });
    });
    const flows = ofType(await more(service), 'flow.opened').map((event) => (event as { flow: string }).flow);
    expect(new Set(flows).size).toBe(6);
  });

  it('begins a new stream with new flows where events were lost, and tells how many', async () => {
    await using bench = await aBench();
    const { service, agent } = bench;
    await holding(bench);
    service.refused.add('s1');
    await agent.says('the service refused a chunk');
    service.refused.clear();
    await eventually(() => {
      expect(service.streams.size).toBe(2);
      expect(service.state?.droppedEvents).toBeGreaterThan(0);
    });
    await eventually(() => {
      const flows = ofType([...service.streams.values()].at(-1)?.events ?? [], 'flow.opened');
      expect(flows.length).toBe(3);
    });
  });

  it('refuses a service whose key is not the one that it pinned, and says what to do', async () => {
    await using bench = await aBench();
    const { service, agent } = bench;
    await agent.says('enrolled as edge-1');
    await agent.end('SIGTERM');
    service.key = signingKey(newSigningKeyPem());
    agent.again();
    expect(await agent.exited()).toBe(4);
    expect(agent.log).toMatch(
      /the service signs orders with the key SHA256:[^]*trusts SHA256:[^]*remedy: if the service was really given a new key/,
    );
  });

  it('carries its events to the clock of a service on another machine, with the bound of the error', async () => {
    await using bench = await aBench();
    const { service, queue, port } = bench;
    service.machine = { boot: 'another machine', offsetMs: 1_000_000 };
    const t0ServiceMonoMs = monoMs() + 1_000_000;
    await queue.add('assign', service.order(1, [aHolding(port, { t0ServiceMonoMs })]));
    await eventually(() => {
      expect(service.holdingNow().state).toBe('holding');
    });
    await more(service);
    expect(service.state?.clock?.offsetMs).toBeGreaterThan(999_000);
    for (const { t, clockErrMs } of service.events) {
      expect(clockErrMs).toBeGreaterThan(0);
      expect(t).toBeGreaterThan(-1_000);
      expect(t).toBeLessThan(60_000);
    }
  });
});

/** Pids of the children of a process. */
async function proberOf(pid: number): Promise<{ children: number[] }> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  return { children: text.trim().split(' ').map(Number) };
}
