// A vantage whose source address leaves it for a while (a lease that ran out, a keepalived that gave it away): a real prober and a real
// responder in a network namespace of their own.
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../src/io/command.ts';
import { aPopulation, PATIENT, ProberProcess, sumOf } from '../support/a-prober.ts';
import { ResponderProcess } from '../support/a-responder.ts';

const ADDRESS = '198.51.100.7';
const NETNS = `taddr-${String(randomInt(1e6))}`;
const PLACE = { netns: NETNS };
const address = (verb: 'add' | 'delete') => runCommand(['ip', 'address', verb, `${ADDRESS}/32`, 'dev', 'lo'], { place: PLACE });

beforeAll(async () => {
  await runCommand(['ip', 'netns', 'add', NETNS]);
  await runCommand(['ip', 'link', 'set', 'lo', 'up'], { place: PLACE });
  await address('add');
});
afterAll(async () => {
  await runCommand(['ip', 'netns', 'delete', NETNS]);
});

test('holds its flows again once the address is back, and what happened meanwhile is held against no path', async () => {
  await using responder = await ResponderProcess.start(0, PLACE);
  await using prober = new ProberProcess(PLACE);
  const { port } = responder;
  const count = 10;
  await prober.hold(
    [aPopulation(port, { ...PATIENT, count, freshDialsPerSec: 4 }), aPopulation(port, { ...PATIENT, count, protocol: 'udp' })],
    {
      sourceAddresses: [ADDRESS],
    },
  );
  await prober.untilAnswered(100);
  await address('delete');
  await prober.until('dial.failed', count);
  await prober.until('flow.mapped', count);
  await address('add');
  await prober.until('flow.opened', 3 * count);
  await prober.untilAnswered(200);
  const tally = await prober.stop();
  expect(prober.events('flow.opened')).toHaveLength(3 * count); // each TCP flow was replaced; UDP flows are heard again
  const illnesses = prober.events('prober.ill');
  const broken = prober.events('flow.broken');
  expect(broken.length).toBeGreaterThanOrEqual(count);
  expect(broken.filter(({ onsetT }) => !illnesses.some(({ fromT, untilT }) => fromT <= onsetT && onsetT <= untilT))).toEqual([]);
  const failed = [...prober.events('dial.failed'), ...prober.events('flow.mapped')];
  expect(failed.filter(({ isOwn }) => !isOwn)).toEqual([]);
  expect(tally).toMatchObject({ scheduled: sumOf(tally), lost: 0 });
  expect(prober.total(true)).toMatchObject({ lost: 0 });
});
