// Lab environment files for tests, by the real schema.
import { environmentForms, type LabEnvironmentFile } from '../../src/core/environment.ts';

/** A lab's file as parsed: three nodes and four VIPs (local and cluster, IPv4 and IPv6) unless told otherwise. */
export function aLabFile(lab: Record<string, unknown> = {}, rest: Record<string, unknown> = {}): LabEnvironmentFile {
  return environmentForms.lab.parse({
    title: 'A lab',
    lab,
    vips: [
      { name: 'web', policy: 'local' },
      { name: 'web-cluster', policy: 'cluster' },
      { name: 'web6', policy: 'local', family: 6 },
      { name: 'web6-cluster', policy: 'cluster', family: 6 },
    ],
    ...rest,
  });
}

/** The same with a cluster: its VIPs are IPv4, one of them with an affinity. */
export function aClusterLabFile(cluster: Record<string, unknown> = {}, lab: Record<string, unknown> = {}): LabEnvironmentFile {
  const vips = [
    { name: 'web', policy: 'local' },
    { name: 'web-cluster', policy: 'cluster' },
    { name: 'web-affinity', policy: 'cluster', affinity: 'client-ip' },
  ];
  return aLabFile({ ...lab, cluster }, { vips });
}
