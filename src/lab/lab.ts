// A lab that is up: what its users need to know of it.
import { AppError } from '../core/errors.ts';
import { type LabPlan, labStateFolder, planLab } from './address-plan.ts';
import { LabNodes } from './node-driver.ts';
import { isControllerAlive, keyFile, readRecord } from './state-folder.ts';

export type Lab = {
  readonly plan: LabPlan;
  readonly environment: LabPlan['environment'];
  readonly stateFolder: string;
  /** The file of the key that probers and responders share. */
  readonly keyFile: string;
  /** What faults may ask of its nodes. */
  readonly nodes: LabNodes;
};

/** The lab `prefix` of user `uid`. @throws AppError LAB_MISSING when it is not up, LAB_UNSOUND when its controller is gone */
export function openLab(prefix: string, uid: number): Lab {
  const stateFolder = labStateFolder(prefix, uid);
  const record = readRecord(stateFolder);
  if (record?.state !== 'up') {
    throw new AppError('LAB_MISSING', `the lab ${prefix} is ${record ? 'being built, or was left half-built' : 'not up'}`, {
      remedy: record ? `holdfast lab down --prefix ${prefix}` : 'holdfast lab up deploy/lab/three-nodes.yaml',
    });
  }
  if (!isControllerAlive(stateFolder)) {
    throw new AppError('LAB_UNSOUND', `the controller of the lab ${prefix} is gone`, {
      remedy: `holdfast lab down --prefix ${prefix}, then holdfast lab up`,
    });
  }
  return labOf(planLab(record.file, record));
}

/** The plan of the lab whose files lie in `stateFolder`, up or being built; null when there is none. */
export function planOfFolder(stateFolder: string): LabPlan | null {
  const record = readRecord(stateFolder);
  return record && planLab(record.file, record);
}

/** The lab that `plan` describes, whether it is up or not. */
export function labOf(plan: LabPlan): Lab {
  return {
    plan,
    environment: plan.environment,
    stateFolder: plan.stateFolder,
    keyFile: keyFile(plan.stateFolder),
    nodes: new LabNodes(plan),
  };
}

/** Whether `lab` is what `plan` describes: the same topology and VIPs. Title and observers may differ. */
export function isSameLab(lab: Lab, plan: LabPlan): boolean {
  const built = ({ lab: topology, vips }: LabPlan['file']) => JSON.stringify([topology, vips]);
  return built(lab.plan.file) === built(plan.file);
}
