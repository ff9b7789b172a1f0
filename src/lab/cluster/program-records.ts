// What the supervisor of a cluster lab records of its programs, for `lab status`, for tests, and for people with a debugger.
import type { ProcessIdentity } from '../../io/process-identity.ts';
import { writeWholeFile } from '../../io/whole-file.ts';
import { readJson } from '../state-folder.ts';
import { clusterFiles } from './cluster-files.ts';

/** `node` is null for a program of the control plane; `identity` is null while it waits to be started again. */
export type ProgramRecord = { name: string; node: string | null; identity: ProcessIdentity | null; restarts: number };

export type ClusterRecord = {
  programs: ProgramRecord[];
  /** Whether every object of the lab has been made. */
  isFurnished: boolean;
};

export function writeClusterRecord(stateFolder: string, record: ClusterRecord): void {
  writeWholeFile(clusterFiles(stateFolder).programs, JSON.stringify(record), 0o600);
}

/** What the supervisor said last; null before it said anything. */
export function readClusterRecord(stateFolder: string): ClusterRecord | null {
  return readJson(clusterFiles(stateFolder).programs) as ClusterRecord | null;
}

/** Every program of the cluster; none in a lab without one. */
export function readPrograms(stateFolder: string): ProgramRecord[] {
  return readClusterRecord(stateFolder)?.programs ?? [];
}
