// The faults that exist: schema, plan, keeper and contract suite follow this list.
import { advertisementDeselect } from './advertisement-deselect.ts';
import { bgpSessionDown } from './bgp-session-down.ts';
import { deploymentRollout } from './deployment-rollout.ts';
import type { Fault } from './fault.ts';
import { nodeDown } from './node-down.ts';
import { nodeDrain } from './node-drain.ts';
import { nodeExclude } from './node-exclude.ts';
import { policyFlip } from './policy-flip.ts';
import { speakerDelete } from './speaker-delete.ts';
import { unrelatedService } from './unrelated-service.ts';

export const FAULTS: readonly [Fault, ...Fault[]] = [
  bgpSessionDown,
  nodeDrain,
  nodeDown,
  nodeExclude,
  speakerDelete,
  advertisementDeselect,
  policyFlip,
  deploymentRollout,
  unrelatedService,
];
