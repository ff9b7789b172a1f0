import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalAddress, familyOf, isInPrefix } from '../../src/core/addresses.ts';
import { labStateFolder, planLab } from '../../src/lab/address-plan.ts';
import { namespacesOf, memberBatch } from '../../src/lab/topology.ts';
import { aClusterLabFile, aLabFile } from '../support/lab-file.ts';

const plan = (lab: Record<string, unknown> = {}) => planLab(aLabFile(lab), { name: 'quick', prefix: 'hf', uid: 0 });

test('IPv4 and IPv6 addresses of a member are written with the same digits', () => {
  const { environment } = plan();
  expect(environment.nodes.map(({ addresses }) => addresses)).toEqual([
    ['10.77.1.11', 'fd77:0:0:1::11'],
    ['10.77.1.12', 'fd77:0:0:1::12'],
    ['10.77.1.13', 'fd77:0:0:1::13'],
  ]);
  expect(environment.vantages.map(({ addresses }) => addresses)).toEqual([
    ['10.77.101.2', 'fd77:0:0:101::2'],
    ['10.77.102.2', 'fd77:0:0:102::2'],
  ]);
  expect(environment.vips.map(({ address }) => address)).toEqual(['10.77.10.1', '10.77.10.2', 'fd77:0:0:10::3', 'fd77:0:0:10::4']);
});

test('every address is canonical, used once, and lies in its block, whatever the size of the lab', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 16 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 255 }),
      (nodes, vantages, second) => {
        const ipv4 = `10.${String(second)}.0.0/16`;
        const { environment, nodes: members } = plan({ nodes, vantages, ipv4 });
        const all = [...environment.nodes, ...environment.vantages].flatMap(({ addresses }) => addresses);
        all.push(...environment.vips.map(({ address }) => address), ...(members[0]?.addresses.map(({ gateway }) => gateway) ?? []));
        expect(new Set(all).size).toBe(all.length);
        for (const address of all) {
          expect(canonicalAddress(address)).toBe(address);
          expect(isInPrefix(address, familyOf(address) === 4 ? ipv4 : 'fd77::/48')).toBe(true);
        }
      },
    ),
  );
});

test('a prefix that would not fit a namespace or a path is refused', () => {
  for (const prefix of ['', 'HF', '../x', 'a-b', 'longerthanten', '1a']) {
    expect(() => labStateFolder(prefix, 0)).toThrow(expect.objectContaining({ code: 'BAD_FLAG' }));
  }
  expect(labStateFolder('hf', 1000)).toBe('/tmp/holdfast-1000/labs/hf');
});

test("Unix sockets of the largest lab stay below the kernel's limit of 108 bytes", () => {
  const { environment, stateFolder } = planLab(aLabFile(), { name: 'x', prefix: 'abcdefghij', uid: 4_294_967_294 });
  expect(environment.keeperSocket?.length).toBeLessThan(108);
  expect(`${stateFolder}/frr/n16/zserv.api`.length).toBeLessThan(108);
});

test('a lab with a cluster has a control plane on the nodes’ link, pods behind each node, and Services named like the VIPs', () => {
  const { environment, controlPlane, nodes } = planLab(aClusterLabFile(), { name: 'x', prefix: 'hf', uid: 0 });
  expect(controlPlane).toMatchObject({
    name: 'cp',
    netns: 'hf-cp',
    role: 'control-plane',
    address: '10.77.1.10',
    serviceCidr: '10.77.64.0/24',
  });
  expect(environment.nodes.map(({ podCidrs }) => podCidrs)).toEqual([['10.77.21.0/24'], ['10.77.22.0/24'], ['10.77.23.0/24']]);
  expect(environment.vips.map(({ service }) => service)).toEqual(
    ['web', 'web-cluster', 'web-affinity'].map((name) => ({ namespace: 'default', name })),
  );
  expect(environment.cluster).toEqual({
    kubeconfig: '/tmp/holdfast-0/labs/hf/kubeconfig',
    context: null,
    socket: '/tmp/holdfast-0/labs/hf/kube.sock',
    metallbNamespace: 'metallb-system',
  });
  expect(nodes.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3']);
});

test('nodes and control plane know the way to every other node’s pods, vantages and a lab without a cluster to none', () => {
  const clustered = planLab(aClusterLabFile(), { name: 'x', prefix: 'hf', uid: 0 });
  const routes = ({ name }: { name: string }) => {
    const member = [clustered.controlPlane, ...clustered.nodes, ...clustered.vantages].find((each) => each?.name === name);
    if (!member) throw new Error(`no member ${name}`);
    return [...memberBatch(clustered, member).matchAll(/route add (\S+\.0\/24) via (\S+)/g)].map(([, to, by]) => `${to ?? ''} ${by ?? ''}`);
  };
  expect(routes({ name: 'n2' })).toEqual(['10.77.21.0/24 10.77.1.11', '10.77.23.0/24 10.77.1.13']);
  expect(routes({ name: 'cp' })).toHaveLength(3);
  expect(routes({ name: 'v1' })).toEqual([]);
  expect(namespacesOf(clustered)).toEqual(['hf-tor', 'hf-cp', 'hf-n1', 'hf-n2', 'hf-n3', 'hf-v1', 'hf-v2']);
  const plain = plan();
  expect(plain.controlPlane).toBeNull();
  expect(namespacesOf(plain)).toEqual(['hf-tor', 'hf-n1', 'hf-n2', 'hf-n3', 'hf-v1', 'hf-v2']);
  for (const node of plain.nodes) expect(memberBatch(plain, node)).not.toMatch(/\.0\/24/);
});

test('blocks of the largest cluster lab do not touch: pods, Services, nodes, VIPs, vantages', () => {
  const { environment, controlPlane } = planLab(aClusterLabFile({}, { nodes: 16, vantages: 8 }), { name: 'x', prefix: 'hf', uid: 0 });
  const blocks = [...environment.nodes.flatMap(({ podCidrs }) => podCidrs), controlPlane?.serviceCidr ?? ''];
  expect(new Set(blocks).size).toBe(17);
  const addresses = [...environment.nodes, ...environment.vantages].flatMap((each) => each.addresses);
  for (const address of [...addresses, ...environment.vips.map((vip) => vip.address)].filter((each) => familyOf(each) === 4)) {
    expect(blocks.filter((block) => isInPrefix(address, block))).toEqual([]);
  }
});
