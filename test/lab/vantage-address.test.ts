// A vantage whose source address leaves it for a while (a lease that ran out, a keepalived that gave it away): a real prober and a real
// responder in a network namespace of their own.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { aPopulation, PATIENT, ProberProcess, sumOf } from '../support/a-prober.ts';
import { ResponderProcess } from '../support/a-responder.ts';

const ADDRESS = '198.51.100.7';
const NETNS = `taddr-${String(randomInt(1e6))}`;
const INSIDE = ['ip', 'netns', 'exec', NETNS];
const ip = (...args: string[]) => execFileSync('ip', ['-n', NETNS, ...args]);

beforeAll(() => {
  execFileSync('ip', ['netns', 'add', NETNS]);
  ip('link', 'set', 'lo', 'up');
  ip('address', 'add', `${ADDRESS}/32`, 'dev', 'lo');
});
afterAll(() => {
  execFileSync('ip', ['netns', 'delete', NETNS]);
});

test('holds its flows again once the address is back, and what happened meanwhile is held against no path', async () => {
  await using responder = await ResponderProcess.start(0, INSIDE);
  await using prober = new ProberProcess(INSIDE);
  const { port } = responder;
  const count = 10;
  await prober.hold(
    [aPopulation(port, { ...PATIENT, count, freshDialsPerSec: 4 }), aPopulation(port, { ...PATIENT, count, protocol: 'udp' })],
    {
      sourceAddresses: [ADDRESS],
    },
  );
  await prober.untilAnswered(100);
  ip('address', 'delete', `${ADDRESS}/32`, 'dev', 'lo');
  await prober.until('dial.failed', count);
  await prober.until('flow.mapped', count);
  ip('address', 'add', `${ADDRESS}/32`, 'dev', 'lo');
  await prober.until('flow.opened', 3 * count);
  await prober.untilAnswered(200);
  const tally = await prober.stop();
  expect(prober.events('flow.opened')).toHaveLength(3 * count); // each TCP flow was replaced; UDP flows are heard again
  const illnesses = prober.events('prober.ill');
  const broken = prober.events('flow.broken');
  expect(broken.length).toBeGreaterThanOrEqual(count);
  expect(broken.filter(({ onsetT }) => !illnesses.some(({ fromT, untilT }) => fromT <= onsetT && onsetT <= untilT))).toEqual([]);
  const failures = [...prober.events('dial.failed'), ...prober.events('flow.mapped')].map(({ failure }) => failure);
  expect([...new Set(failures)]).toEqual(['notSent']);
  expect(tally).toMatchObject({ scheduled: sumOf(tally), lost: 0 });
  expect(prober.total(true)).toMatchObject({ lost: 0 });
});
