// What the next kubelet of a node must know of this one's pods, a small file each.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../../io/process-identity.ts';
import { writeWholeFile } from '../../io/whole-file.ts';
import { readJson } from '../state-folder.ts';
import type { PodPlace } from './pod-place.ts';
import type { Termination } from './pod-status.ts';

const SCHEMA = 1;

/** Written before a namespace is made and again once the process is started: a crash in between must leave both to be found. */
export type PodRecord = {
  schema: typeof SCHEMA;
  uid: string;
  namespace: string;
  name: string;
  /** Null: in the node's own namespace. */
  place: PodPlace | null;
  process: ProcessIdentity | null;
  startTime: string;
  /** Of the process; null before its first start. */
  startedAt: string | null;
  restarts: number;
  lastTermination: Termination | null;
  isReady: boolean;
};

/** The folder of a node's records; made if need be. */
export function recordsFolder(stateFolder: string, node: string): string {
  const folder = join(stateFolder, 'kubelet', node);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

export function readRecords(folder: string): PodRecord[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const record = readJson(join(folder, file)) as PodRecord | null;
      return record?.schema === SCHEMA ? [record] : [];
    });
}

/** @throws AppError DISK */
export function writePodRecord(folder: string, record: Omit<PodRecord, 'schema'>): void {
  writeWholeFile(join(folder, `${record.uid}.json`), JSON.stringify({ schema: SCHEMA, ...record } satisfies PodRecord), 0o600);
}

export function removePodRecord(folder: string, uid: string): void {
  rmSync(join(folder, `${uid}.json`), { force: true });
}
