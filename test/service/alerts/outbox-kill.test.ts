import { expect, test } from 'vitest';
import { outboxStorm } from '../../safety/outbox-storm.ts';

test('a service killed again and again while its sink fails three of ten loses nothing, and what comes twice has one id', async () => {
  const { kills, twice, ...result } = await outboxStorm({ count: 200, killEveryMs: 400, maxKills: 6, seed: 7 });
  expect(result).toMatchObject({ due: 200, lost: 0, unstableIds: 0, overtaken: 0, badSignatures: 0 });
  expect(kills).toBeGreaterThan(1);
  // At most the attempts that were side by side at a kill.
  expect(twice).toBeLessThanOrEqual(4 * kills);
}, 120_000);
