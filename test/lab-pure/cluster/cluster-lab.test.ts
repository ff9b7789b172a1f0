import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planLab } from '../../../src/lab/address-plan.ts';
import { clusterFiles, kubeconfigPath } from '../../../src/lab/cluster/cluster-files.ts';
import { CLUSTER_LAB } from '../../../src/lab/cluster/cluster-lab.ts';
import { writeClusterRecord } from '../../../src/lab/cluster/program-records.ts';
import { aClusterLabFile } from '../../support/lab-file.ts';

const KUBECONFIG = `current-context: here
contexts: [{ name: here, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:6443" } }]
users: [{ name: u, user: { token: secret } }]
`;

test('an API server that is away for a moment is something that is missing, unless nobody wants to know any more', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'holdfast-watch-'));
  try {
    mkdirSync(clusterFiles(stateFolder).folder);
    writeClusterRecord(stateFolder, { programs: [], isFurnished: true });
    writeFileSync(kubeconfigPath(stateFolder, 'system'), KUBECONFIG);
    // The socket that leads to its API server is that of a lab which is not there.
    const plan = { ...planLab(aClusterLabFile(), { name: 'x', prefix: 'tnobody', uid: 0 }), stateFolder };
    await using watch = CLUSTER_LAB.openConvergence(plan);
    expect(await watch.whatIsMissing(new AbortController().signal)).toMatch(/^the API server at .* does not answer/);
    await expect(watch.whatIsMissing(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  } finally {
    rmSync(stateFolder, { recursive: true });
  }
});
