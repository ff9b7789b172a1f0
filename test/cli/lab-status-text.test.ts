import { expect, test } from 'vitest';
import { labStatusText } from '../../src/cli/lab-status-text.ts';
import { planLab } from '../../src/lab/address-plan.ts';
import { aLabFile } from '../support/lab-file.ts';

test('a lab with a shut session and an idle node is told as the golden says, within 80 columns', async () => {
  const { environment, stateFolder, nodes, vantages, router } = planLab(aLabFile({ vantages: 1 }), { name: 'x', prefix: 'hf', uid: 0 });
  const vips = environment.vips.map(({ name }) => name);
  const text = labStatusText({
    prefix: 'hf',
    name: 'x',
    title: 'A lab',
    stateFolder,
    vips: environment.vips,
    members: [
      {
        name: 'tor',
        role: 'router',
        netns: router.netns,
        addresses: ['10.77.1.1', 'fd77:0:0:1::1', '10.77.101.1', 'fd77:0:0:101::1'],
        uplink: null,
        state: 'up',
        sessions: [
          { node: 'n1', state: 'Established' },
          { node: 'n2', state: 'Idle' },
          { node: 'n3', state: 'Established' },
        ],
      },
      ...[...nodes, ...vantages].map(({ name, role, netns, uplink, addresses }) => ({
        name,
        role,
        netns,
        uplink,
        addresses: addresses.map(({ address }) => address),
        state: name === 'n3' ? ('down' as const) : ('up' as const),
        ...(role === 'node' ? { vips: name === 'n2' ? [] : vips, isServing: name !== 'n2' } : {}),
      })),
    ],
  });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  await expect(text).toMatchFileSnapshot('../golden/lab/status.txt');
});
