// The lab of real Kubernetes and MetalLB that all tests of the project `cluster` share: built before the first, gone after the last.
import { spawnSync } from 'node:child_process';
import { selfArgv } from '../../src/cli/self.ts';
import { loadEnvironment } from '../../src/cli/load-files.ts';
import { planLab } from '../../src/lab/address-plan.ts';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import { labDown } from '../../src/lab/lab-down.ts';
import { labUp } from '../../src/lab/lab-up.ts';
import { LAB_UID } from './a-lab.ts';

export const CLUSTER_LAB_FILE = 'deploy/lab/metallb.yaml';
/** A lab of this prefix that is up already is used as it is and stays: for whoever tries one file again and again. */
const UP_ALREADY = process.env.HOLDFAST_CLUSTER_LAB;
const PREFIX = UP_ALREADY ?? 'tcluster';
/** Labs beside it, by the test that puts each up and, unless it is killed, takes it down. */
export const LABS_BESIDE = { choices: 'tcchoice', life: 'tclife', supervisor: 'tcsuper' } as const;
/** Two cores that are busy take several times the twenty seconds of an idle machine. */
const PATIENCE_MS = 120_000;
const DOWN_PATIENCE_MS = 60_000;

/** Vitest calls it before the first file, and what it returns after the last one, whatever became of them. */
export async function setup(): Promise<() => Promise<void>> {
  if (UP_ALREADY !== undefined) return () => Promise.resolve();
  const { value, name } = loadEnvironment(CLUSTER_LAB_FILE);
  if (!('lab' in value)) throw new Error(`${CLUSTER_LAB_FILE} is no lab`);
  await labDown(PREFIX, LAB_UID); // what a killed test left
  process.once('exit', downAtOnce);
  process.once('SIGHUP', hangUp);
  await labUp(planLab(value, { name, prefix: PREFIX, uid: LAB_UID }), {
    uid: LAB_UID,
    program: selfArgv(),
    signal: AbortSignal.timeout(PATIENCE_MS),
    onProgress: (step) => process.stderr.write(`lab: ${step}\n`),
  });
  return async () => {
    await labDown(PREFIX, LAB_UID);
    process.off('exit', downAtOnce);
    process.off('SIGHUP', hangUp);
  };
}

/** Ctrl-C and SIGTERM end vitest at once, without teardown: its exit waits for processes of its own that take the labs down. */
function downAtOnce(): void {
  for (const prefix of [PREFIX, ...Object.values(LABS_BESIDE)]) {
    const [command, ...args] = selfArgv('lab', 'down', '--prefix', prefix);
    spawnSync(command, args, { stdio: 'inherit', timeout: DOWN_PATIENCE_MS });
  }
}

/** A terminal that is closed ends a process without an exit that it hears of. */
function hangUp(): void {
  process.exit(129);
}

/** The shared lab. A test leaves it as it found it: what others see is what it left. */
export function theClusterLab(): Lab {
  return openLab(PREFIX, LAB_UID);
}
