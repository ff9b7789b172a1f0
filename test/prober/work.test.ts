// What an assignment makes of the prober's own parts.
import { expect, test } from 'vitest';
import { type Assignment, CONTROL_SCHEMA } from '../../src/core/control.ts';
import { monoMs } from '../../src/io/clock.ts';
import type { Ours } from '../../src/prober/kernel-readings.ts';
import { Work } from '../../src/prober/work.ts';
import { aPopulation } from '../support/a-prober.ts';
import { KEY_BASE64 } from '../support/a-responder.ts';

const V4 = ['192.0.2.1', '192.0.2.2'];
const V6 = ['2001:db8::1', '2001:db8::2'];

test('a prober watches the addresses that it dials from, and no others: what it does not use may be absent', () => {
  expect(watchedFor(['203.0.113.1'])).toEqual(['192.0.2.1']);
  expect(watchedFor(['2001:db8:1::1'])).toEqual(['2001:db8::1']);
  expect(watchedFor(['203.0.113.1', '2001:db8:1::1', '203.0.113.2'])).toEqual(['192.0.2.1', '2001:db8::1']);
  expect(watchedFor(['203.0.113.1'], V6)).toEqual([]);
});

/** Of which source addresses the kernel is asked when flows are held through these VIPs. */
function watchedFor(vips: readonly string[], sourceAddresses: readonly string[] = [...V4, ...V6]): readonly string[] {
  const asked: Ours[] = [];
  const assignment: Assignment = {
    ...{ type: 'assign', schema: CONTROL_SCHEMA, runId: 'r1', vantage: 'v1', t0MonoMs: monoMs(), clockErrMs: 0 },
    ...{ key: KEY_BASE64, runTag: '0123456789abcdef', nodes: [], observed: true, sourceAddresses: [...sourceAddresses] },
    populations: vips.map((address) => aPopulation(7_000, { vip: { name: 'web', address, port: 7_000, policy: 'local' } })),
  };
  new Work(assignment, {
    ...{ say: () => undefined, now: monoMs, random: () => 0, nonce: () => 1n },
    resources: { ephemeralPorts: { first: 32_768, last: 60_999 }, openFiles: 1_024 },
    readings: (ours) => {
      asked.push(ours);
      return { kernelDrops: () => 0, suspendedMs: () => 0, hasAddresses: () => true };
    },
  });
  return asked.flatMap((ours) => ours.sourceAddresses);
}
