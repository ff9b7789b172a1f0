import { expect, test } from 'vitest';
import { planLab } from '../../../src/lab/address-plan.ts';
import { roleBindings } from '../../../src/lab/cluster/access-objects.ts';
import { controllerPod, metallbConfiguration, speakers } from '../../../src/lab/cluster/metallb-objects.ts';
import { resourceOf } from '../../../src/lab/cluster/resources.ts';
import { vipServices, webDeployment, webDisruptionBudget } from '../../../src/lab/cluster/web-objects.ts';
import { readPod } from '../../../src/lab/kubelet/pod.ts';
import { aClusterLabFile } from '../../support/lab-file.ts';

const planOf = (cluster: Record<string, unknown> = {}, lab: Record<string, unknown> = {}) =>
  planLab(aClusterLabFile(cluster, lab), { name: 'x', prefix: 'hf', uid: 0 });
const plan = planOf();

test('every VIP has a Service of its name with its own address, policy and affinity, for TCP and UDP', () => {
  expect(
    vipServices(plan).map(({ metadata, spec }) => {
      const { externalTrafficPolicy, sessionAffinity, ports } = spec as Record<string, unknown>;
      return [metadata.name, metadata.annotations?.['metallb.io/loadBalancerIPs'], externalTrafficPolicy, sessionAffinity, ports];
    }),
  ).toEqual(
    [
      ['web', '10.77.10.1', 'Local', 'None'],
      ['web-cluster', '10.77.10.2', 'Cluster', 'None'],
      ['web-affinity', '10.77.10.3', 'Cluster', 'ClientIP'],
    ].map((service) => [
      ...service,
      [
        { name: 'tcp', protocol: 'TCP', port: 7000, targetPort: 7000 },
        { name: 'udp', protocol: 'UDP', port: 7000, targetPort: 7000 },
      ],
    ]),
  );
});

test('responders are one a node, replaced in place, and their own program as the kubelet is to run it', () => {
  const deployment = webDeployment(plan, ['/usr/bin/node', '/opt/main.js']);
  expect(deployment.spec).toMatchObject({ replicas: 3, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } });
  const { template } = deployment.spec as { template: { metadata: object; spec: object } };
  expect(template.spec).toMatchObject({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] } },
  });
  const pod = { metadata: { ...template.metadata, name: 'web-1', namespace: 'default', uid: 'u' }, spec: template.spec };
  expect(readPod(pod)).toMatchObject({
    kind: 'runnable',
    plan: {
      isHostNetwork: false,
      container: {
        command: expect.arrayContaining(['/opt/main.js', 'respond', '$(NODE_NAME)', '$(POD_NAME)']) as string[],
        readiness: { how: { kind: 'tcp', port: 7000 }, periodSeconds: 1 },
      },
    },
  });
  expect(webDisruptionBudget().spec).toMatchObject({ maxUnavailable: 1 });
});

test('a speaker runs in its node’s network, on cordoned and silent nodes too, and the kubelet can run it', () => {
  const { spec } = speakers(plan, ['/bin/speaker']);
  const { template } = spec as { template: { metadata: object; spec: object } };
  expect(template.spec).toMatchObject({ hostNetwork: true, tolerations: [{ operator: 'Exists' }] });
  const pod = { metadata: { ...template.metadata, name: 'speaker-1', namespace: 'metallb-system', uid: 'u' }, spec: template.spec };
  expect(readPod(pod)).toMatchObject({ kind: 'runnable', plan: { isHostNetwork: true } });
});

test('the peer’s hold time is the lab’s; the connect time is asked only of the backend that knows it', () => {
  const peer = (cluster: Record<string, unknown>) =>
    metallbConfiguration(planOf(cluster, { holdTime: '3s' })).find(({ kind }) => kind === 'BGPPeer')?.spec;
  expect(peer({})).toEqual({ myASN: 64_500, peerASN: 64_512, peerAddress: '10.77.1.1', holdTime: '3s' });
  expect(peer({ backend: 'frr' })).toMatchObject({ connectTime: '1s' });
});

test('Holdfast’s users have its roles and nothing else, where they need them; the cluster itself needs no binding', () => {
  expect(
    roleBindings().map(({ roleRef, subjects, metadata }) => [
      (subjects as { name: string }[])[0]?.name,
      (roleRef as { name: string }).name,
      metadata.namespace,
    ]),
  ).toEqual([
    ['holdfast', 'holdfast-reader', undefined],
    ['holdfast-keeper', 'holdfast-reader', undefined],
    ['holdfast-keeper', 'holdfast-keeper', undefined],
    ['holdfast-keeper', 'holdfast-keeper-services', 'default'],
    ['holdfast-keeper', 'holdfast-keeper-metallb', 'metallb-system'],
  ]);
  const names = roleBindings().map(({ metadata }) => metadata.name);
  expect(new Set(names).size).toBe(names.length);
});

test('every object of a lab belongs somewhere in the API', () => {
  const all = [
    ...metallbConfiguration(plan),
    controllerPod(),
    speakers(plan, []),
    webDeployment(plan, ['x']),
    webDisruptionBudget(),
    ...vipServices(plan),
    ...roleBindings(),
  ];
  for (const object of all) {
    const { group, version, namespaced } = resourceOf(object);
    expect(object.apiVersion).toBe(group === '' ? version : `${group}/${version}`);
    expect(object.metadata.namespace !== undefined).toBe(namespaced);
  }
  expect(() => resourceOf({ kind: 'Gateway', metadata: { name: 'x' } })).toThrow('makes no Gateway');
});
