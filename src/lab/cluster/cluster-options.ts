// What a plan says of its cluster: pure.
import type { ControlPlane, LabPlan } from '../address-plan.ts';

/** The control plane of a plan. @throws Error for a plan without one: a mistake of the caller */
export function controlPlaneOf(plan: LabPlan): ControlPlane {
  if (plan.controlPlane) return plan.controlPlane;
  throw new Error(`the lab ${plan.prefix} has no cluster`);
}

/** The options of the cluster that a lab's file chose. @throws Error as above */
export function clusterOptions(plan: LabPlan): NonNullable<LabPlan['file']['lab']['cluster']> {
  const { cluster } = plan.file.lab;
  if (cluster) return cluster;
  throw new Error(`the lab ${plan.prefix} has no cluster`);
}
