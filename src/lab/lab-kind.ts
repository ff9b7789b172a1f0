// What differs between a lab whose nodes run FRR and rules of ours, and one whose nodes belong to a cluster.
import type { Argv } from '../io/command.ts';
import type { LabPlan } from './address-plan.ts';

/** A kind of lab; its members are in `kind-of.ts`. */
export type LabKind = {
  /** Every program that such a lab calls by its name, with arguments that do nothing: called once before anything is built. */
  commands(plan: LabPlan): readonly Argv[];
  /** What `lab up` says while it starts daemons, and while it waits for them. */
  readonly steps: { starting: string; waiting: string };
  /** How long the control plane may take until all is known everywhere. */
  readonly patienceMs: number;
  /** The members that FRR is started on, each with its bgpd.conf. */
  routingConfigs(plan: LabPlan): { member: { name: string; netns: string }; config: string }[];
  /** The command line of the lab's controller, given how it is started on this machine as it is. */
  controllerArgv(plan: LabPlan, argv: Argv): Argv;
  /** Looks until the control plane has said all it has to say. Disposing closes what the looking needed. */
  openConvergence(plan: LabPlan): ConvergenceWatch;
  /** What each node does now, by its name. */
  nodeStates(plan: LabPlan, signal: AbortSignal): Promise<ReadonlyMap<string, NodeState>>;
};

export type ConvergenceWatch = AsyncDisposable & {
  /** What is still missing, in words; null when nothing is. */
  whatIsMissing(signal: AbortSignal): Promise<string | null>;
};

export type NodeState = {
  /** VIPs that the node announces, by name. */
  vips: string[];
  /** Whether a responder answers on it. */
  isServing: boolean;
  /** What a cluster runs on it; absent in a lab without one. */
  cluster?: {
    /** As Kubernetes tells it: `Ready`, `NotReady`, `Ready, cordoned`; or that nobody could be asked. */
    condition: string;
    pods: { namespace: string; name: string; isReady: boolean }[];
    /** Whether its MetalLB speaker is ready, and its kube-proxy runs. */
    isSpeakerReady: boolean;
    isProxyRunning: boolean;
  };
};
