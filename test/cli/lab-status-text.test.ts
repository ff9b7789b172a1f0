import { expect, test } from 'vitest';
import { labStatusText } from '../../src/cli/lab-status-text.ts';
import { planLab } from '../../src/lab/address-plan.ts';
import { aClusterLabFile, aLabFile } from '../support/lab-file.ts';

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

test('a cluster is told by what runs where, and what does not stands out, within 80 columns', async () => {
  const plan = planLab(aClusterLabFile(), { name: 'x', prefix: 'hf', uid: 0 });
  const { environment, stateFolder, controlPlane, nodes } = plan;
  if (!controlPlane) throw new Error('no control plane was planned');
  const member = ({ name, netns, uplink, addresses }: (typeof nodes)[number]) => ({
    ...{ name, netns, uplink, state: 'up' as const },
    addresses: addresses.map(({ address }) => address),
  });
  const pods = (node: string, isReady: boolean) =>
    [`speaker-${node}abc`, `web-79d645d588-${node}abc`, `web-79d645d588-${node}xyz`].map((name) => ({
      namespace: 'default',
      name,
      isReady,
    }));
  const text = labStatusText({
    prefix: 'hf',
    name: 'x',
    title: 'A lab',
    stateFolder,
    vips: environment.vips,
    members: [
      {
        ...member(controlPlane),
        role: 'control-plane',
        programs: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'metallb-controller'].map((name) => ({
          name,
          isRunning: name !== 'kube-scheduler',
          restarts: name === 'metallb-controller' ? 2 : 0,
        })),
      },
      ...nodes.map((node) => {
        const isWell = node.name !== 'n2';
        return {
          ...member(node),
          role: 'node' as const,
          vips: isWell ? environment.vips.map(({ name }) => name) : [],
          isServing: isWell,
          cluster: {
            condition: isWell ? 'Ready' : 'NotReady (silent), cordoned',
            pods: pods(node.name, isWell),
            isSpeakerReady: isWell,
            isProxyRunning: isWell,
          },
        };
      }),
    ],
  });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  await expect(text).toMatchFileSnapshot('../golden/lab/cluster-status.txt');
});
