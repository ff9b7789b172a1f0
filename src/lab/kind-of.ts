// Which kind of lab a plan describes.
import type { LabPlan } from './address-plan.ts';
import { CLUSTER_LAB } from './cluster/cluster-lab.ts';
import { FRR_LAB } from './frr-lab.ts';
import type { LabKind } from './lab-kind.ts';

export function kindOf(plan: LabPlan): LabKind {
  return plan.controlPlane ? CLUSTER_LAB : FRR_LAB;
}
