import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCluster } from '../../../src/cluster/open-cluster.ts';
import { planLab } from '../../../src/lab/address-plan.ts';
import { furnish } from '../../../src/lab/cluster/furnish.ts';
import { AnApiServer, answer, aStatus, type Interlude } from '../../support/an-api-server.ts';
import { aClusterLabFile } from '../../support/lab-file.ts';

const KIND = `kind: CustomResourceDefinition
metadata: { name: bgppeers.metallb.io }
spec: { group: metallb.io, names: { plural: bgppeers }, scope: Namespaced, versions: [{ name: v1beta2, served: true }] }
`;
const plan = planLab(aClusterLabFile(), { name: 'x', prefix: 'hf', uid: 0 });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-furnish-'));
  writeFileSync(join(folder, 'kind.yaml'), KIND);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function furnishBy(server: AnApiServer, signal = new AbortController().signal): Promise<void> {
  await using client = await openCluster(server.cluster);
  const from = { plan, client, program: ['holdfast'] as const, speakerCommand: ['speaker'], crds: folder, roles: folder };
  await furnish({ ...from, onMetallbExpected: () => undefined, signal });
}

/** Knows every kind, and takes what it is told to make. */
const takes: Interlude = ({ method, body }, response) =>
  method === 'POST' ? answer(response, 201, body) : answer(response, 200, { metadata: { name: 'default' }, items: [] });

const named = (body: unknown) => {
  const { kind, metadata } = body as { kind: string; metadata: { name: string } };
  return `${kind} ${metadata.name}`;
};

test('a connection that is cut while an object is made ends nothing: the object is made again, or was made before the cut', async () => {
  await using server = await AnApiServer.start();
  const made = new Set<string>();
  const cut = new Set<string>();
  server.interlude = (asked, response) => {
    if (asked.method !== 'POST') return takes(asked, response);
    const name = named(asked.body);
    if (made.has(name)) return answer(response, 409, aStatus(409, 'it is there already', { reason: 'AlreadyExists' }));
    if (cut.has(name) || cut.size % 2 === 0) made.add(name);
    if (cut.has(name)) return takes(asked, response);
    cut.add(name);
    response.destroy();
    return true;
  };
  await furnishBy(server);
  expect(made).toEqual(cut);
  expect(made).toContain('Deployment web');
  expect(made).toContain('CustomResourceDefinition bgppeers.metallb.io');
});

test('what the API server refuses is not asked for again', async () => {
  await using server = await AnApiServer.start();
  server.interlude = (asked, response) =>
    asked.method === 'POST' && named(asked.body) === 'Deployment web'
      ? answer(response, 403, aStatus(403, 'you may not'))
      : takes(asked, response);
  await expect(furnishBy(server)).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
  expect(server.asked.filter(({ method, body }) => method === 'POST' && named(body) === 'Deployment web')).toHaveLength(1);
});
