import { expect, test } from 'vitest';
import { Gate } from '../../src/prober/gate.ts';

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('a gate lets a thousand acts through as a stream of its rate', async () => {
  const gate = new Gate({ perSecond: 1_000, maxUnderWay: 10_000 });
  let begun = 0;
  for (let act = 0; act < 1_000; act++) {
    void gate.pass(() => {
      begun += 1;
      return Promise.resolve();
    });
  }
  for (let t = 0; t <= 500; t += 10) {
    gate.tick(t);
    await settled();
    expect(begun).toBeLessThanOrEqual(t + 21);
  }
  expect(begun).toBeGreaterThanOrEqual(500);
});

test('a gate that is eased in begins slowly', async () => {
  const gate = new Gate({ perSecond: 1_000, maxUnderWay: 10_000, easeInMs: 300 });
  let begun = 0;
  for (let act = 0; act < 1_000; act++) {
    void gate.pass(() => {
      begun += 1;
      return Promise.resolve();
    });
  }
  const begunAt: number[] = [];
  for (let t = 0; t <= 1_000; t += 10) {
    gate.tick(t);
    await settled();
    begunAt[t] = begun;
  }
  expect(begunAt[50]).toBeLessThan(10);
  expect(begunAt[300]).toBeGreaterThan(120);
  expect((begunAt[1_000] ?? 0) - (begunAt[500] ?? 0)).toBeGreaterThan(480);
});

test('after a long stall it makes up for no more than two ticks', async () => {
  const gate = new Gate({ perSecond: 1_000, maxUnderWay: 10_000 });
  gate.tick(0);
  let begun = 0;
  for (let act = 0; act < 1_000; act++) {
    void gate.pass(() => {
      begun += 1;
      return Promise.resolve();
    });
  }
  gate.tick(5_000);
  await settled();
  expect(begun).toBeLessThanOrEqual(21);
});

test('no more acts are under way than it allows, and one that failed makes room too', async () => {
  const gate = new Gate({ perSecond: 1e6, maxUnderWay: 2 });
  gate.tick(0);
  gate.tick(10);
  const acts: PromiseWithResolvers<undefined>[] = [];
  const passing = Array.from({ length: 4 }, () =>
    gate.pass(() => {
      const act = Promise.withResolvers<undefined>();
      acts.push(act);
      return act.promise;
    }),
  );
  await settled();
  expect(acts.length).toBe(2);
  acts[0]?.reject(new Error('failed'));
  await expect(passing[0]).rejects.toThrow('failed');
  gate.tick(20);
  await settled();
  expect(acts.length).toBe(3);
});
