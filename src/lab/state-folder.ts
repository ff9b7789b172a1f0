// A lab's folder: who owns it, what it records, and which processes belong to the lab.
import { lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LabEnvironmentFile } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { diskError } from '../io/disk-error.ts';
import { identityOf, isAlive, type ProcessIdentity } from '../io/process-identity.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import type { LabPlan } from './address-plan.ts';

const RECORD_SCHEMA = 1;

/** What `lab.json` says: enough to plan the same lab again, and how far building it came. */
export type LabRecord = {
  schema: typeof RECORD_SCHEMA;
  name: string;
  prefix: string;
  uid: number;
  file: LabEnvironmentFile;
  state: 'building' | 'up';
  /** Whether every namespace of its names is its own: false until building began, when somebody else's may bear one. */
  ownsNamespaces: boolean;
};

/** Processes that a lab's folder names. */
export type LabProcess = 'holder' | 'controller';

/** Makes the folder (0700) and its parents, and refuses one that another user put there. */
export function makeStateFolder(stateFolder: string): void {
  try {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(stateFolder, cause);
  }
  // Anybody may make names in /tmp: whoever owns our folder could swap what lies in it.
  for (const folder of [dirname(dirname(stateFolder)), dirname(stateFolder), stateFolder]) {
    const { uid, mode } = lstatSync(folder);
    const isOurs = uid === process.getuid?.() && lstatSync(folder).isDirectory() && (mode & 0o022) === 0;
    if (!isOurs) {
      throw new AppError('NOT_PERMITTED', `${folder} is not a folder of this user alone`, {
        remedy: `see who made it (ls -ld ${folder}), and remove it`,
      });
    }
  }
}

/** Takes the folder for building `plan`. @throws AppError LAB_EXISTS when a lab, or remains of one, hold it; DISK */
export function claimLab(plan: LabPlan, uid: number): LabRecord {
  makeStateFolder(plan.stateFolder);
  const record: LabRecord = {
    schema: RECORD_SCHEMA,
    name: plan.environment.name,
    prefix: plan.prefix,
    uid,
    file: plan.file,
    state: 'building',
    ownsNamespaces: false,
  };
  try {
    // `wx`: of two that build at the same time, one fails here.
    writeFileSync(recordPath(plan.stateFolder), JSON.stringify(record), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(plan.stateFolder, cause);
    const found = readRecord(plan.stateFolder);
    const what = found?.state === 'up' && isControllerAlive(plan.stateFolder) ? 'is up' : 'was not taken down, or is being built';
    throw new AppError('LAB_EXISTS', `a lab ${plan.prefix} ${what}`, {
      remedy: `holdfast lab down --prefix ${plan.prefix}, or build this one beside it with another --prefix`,
      cause,
    });
  }
  return record;
}

/** Gives back what `claimLab` took, when nothing was built yet. */
export function disclaimLab(stateFolder: string): void {
  rmSync(recordPath(stateFolder), { force: true });
  removeEmpty([stateFolder, dirname(stateFolder), dirname(dirname(stateFolder))]);
}

/** Changes what the lab's folder says of its state. */
export function writeRecord(stateFolder: string, record: LabRecord): void {
  writeWholeFile(recordPath(stateFolder), JSON.stringify(record), 0o600);
}

/** The lab that the folder holds; null when there is none, or none that this version understands. */
export function readRecord(stateFolder: string): LabRecord | null {
  const record = readJson(recordPath(stateFolder)) as LabRecord | null;
  return record?.schema === RECORD_SCHEMA ? record : null;
}

/** Remembers a process of the lab, so that it can be ended and never another one. */
export function rememberProcess(stateFolder: string, role: LabProcess, pid: number): ProcessIdentity | null {
  const identity = identityOf(pid);
  writeWholeFile(join(stateFolder, `${role}.json`), JSON.stringify(identity), 0o600);
  return identity;
}

/** The process remembered as `role` if it still lives. */
export function recallProcess(stateFolder: string, role: LabProcess): ProcessIdentity | null {
  const identity = readJson(join(stateFolder, `${role}.json`)) as ProcessIdentity | null;
  return identity !== null && isAlive(identity) ? identity : null;
}

export function isControllerAlive(stateFolder: string): boolean {
  return recallProcess(stateFolder, 'controller') !== null;
}

/** Removes the folder, and its parents where nothing else lies in them. */
export function removeStateFolder(stateFolder: string): void {
  rmSync(stateFolder, { recursive: true, force: true });
  removeEmpty([dirname(stateFolder), dirname(dirname(stateFolder))]);
}

function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      return; // another lab lies there, or it is gone
    }
  }
}

/** A small file that the lab writes whole; null when it is not there, or torn. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null; // not there (yet)
  }
}

/** The file of the key that a lab's probers and responders share. */
export function keyFile(stateFolder: string): string {
  return join(stateFolder, 'key');
}

/** An /etc/group in which root is of FRR's groups: an ordinary user's lab has nobody else. */
export function groupFile(stateFolder: string): string {
  return join(stateFolder, 'group');
}

function recordPath(stateFolder: string): string {
  return join(stateFolder, 'lab.json');
}
