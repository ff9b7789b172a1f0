// The lab's controller: kubelet of every node, endpoint controller of the cluster, and mirror of resilient groups, in one process.
//
//   nodes/n1.json { serve } --watched--> responder of n1 --ready | dead--> (endpointDelay) --> NAT, conntrack, announcements
import { existsSync, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import type { Argv } from '../../io/command.ts';
import type { ProcessIdentity } from '../../io/process-identity.ts';
import { writeWholeFile } from '../../io/whole-file.ts';
import type { LabMember, LabPlan } from '../address-plan.ts';
import { BACKEND_PORT } from '../nat-rules.ts';
import { keyFile, readJson } from '../state-folder.ts';
import { Endpoints } from './endpoints.ts';
import { keepMirroring } from './next-hop-mirror.ts';
import { ResponderSupervisor } from './responder-supervisor.ts';

/** What is wanted of a node, in `nodes/NAME.json`; a node without a file is wanted to serve. */
export type DesiredNode = { serve: boolean };
/** What the controller says of itself, in `status.json`. */
export type ControllerStatus = {
  nodes: Record<string, { isReady: boolean; responder: ProcessIdentity | null }>;
  /** Nodes whose backend every node was told of. */
  endpoints: string[];
  /** The last thing that failed; null when nothing did. */
  complaint: string | null;
};

export type ControllerOptions = {
  plan: LabPlan;
  /** How `holdfast` itself is started. */
  program: Argv;
  /** File descriptor of the log. */
  logFile: number;
  log: (line: string) => void;
  signal: AbortSignal;
};

/** Runs until `signal` aborts; responders end with this process. */
export async function runController(options: ControllerOptions): Promise<void> {
  const { plan, log, signal } = options;
  const endpoints = new Endpoints(plan);
  const told = new Set<string>();
  const greeted = new Set<string>();
  const supervisors = new Map<string, ResponderSupervisor>();
  let complaint: string | null = null;
  const complain = (what: string) => (error: unknown) => {
    if (signal.aborted) return;
    complaint = `${what}: ${messageOf(error)}`;
    log(complaint);
    tell();
  };
  const tell = () => {
    const nodes = Object.fromEntries([...supervisors].map(([name, each]) => [name, { isReady: each.isReady, responder: each.identity }]));
    const status: ControllerStatus = { nodes, endpoints: [...told].sort(), complaint };
    writeWholeFile(join(plan.stateFolder, 'status.json'), JSON.stringify(status));
  };
  const onChange = async (node: LabMember, isReady: boolean) => {
    log(`${node.name}: responder ${isReady ? 'ready' : 'gone'}`);
    tell();
    // A first readiness belongs to building the lab: nobody is there yet to whom the delay would matter.
    if (greeted.has(node.name)) await sleep(plan.file.lab.endpointDelay, undefined, { signal });
    greeted.add(node.name);
    await endpoints.set(node.name, isReady);
    if (isReady) told.add(node.name);
    else told.delete(node.name);
    log(`${node.name}: every node knows it as ${isReady ? 'ready' : 'gone'}`);
    tell();
  };
  for (const node of plan.nodes) {
    supervisors.set(
      node.name,
      new ResponderSupervisor({
        place: node,
        argv: responderArgv(options, node),
        logFile: options.logFile,
        onChange: (isReady) => {
          onChange(node, isReady).catch(complain(node.name));
        },
      }),
    );
  }
  const { nextHopGroups } = plan.file.lab;
  if (nextHopGroups !== 'hash-threshold') {
    void keepMirroring(plan, nextHopGroups.resilient, { complain: complain('resilient groups'), signal });
  }
  await followDesired(plan, supervisors, signal);
}

/** Until `signal` aborts, or the lab's files are gone: then nobody could end this process any more. */
async function followDesired(plan: LabPlan, supervisors: ReadonlyMap<string, ResponderSupervisor>, signal: AbortSignal): Promise<void> {
  const folder = desiredFolder(plan.stateFolder);
  mkdirSync(folder, { recursive: true });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const follow = () => {
    if (!existsSync(folder)) resolve(undefined);
    else for (const [name, supervisor] of supervisors) supervisor.want(readDesired(plan.stateFolder, name).serve);
  };
  // Watched from before the first reading, so that nothing written meanwhile is missed.
  const watcher = watch(folder, follow);
  signal.addEventListener('abort', () => {
    resolve(undefined);
  });
  follow();
  await promise;
  watcher.close();
}

export function desiredFolder(stateFolder: string): string {
  return join(stateFolder, 'nodes');
}

/** What is wanted of a node now. */
export function readDesired(stateFolder: string, node: string): DesiredNode {
  const found = readJson(join(desiredFolder(stateFolder), `${node}.json`)) as DesiredNode | null;
  return { serve: found?.serve ?? true };
}

/** What the controller said last; null before it said anything. */
export function readStatus(stateFolder: string): ControllerStatus | null {
  return readJson(join(stateFolder, 'status.json')) as ControllerStatus | null;
}

function responderArgv({ plan, program }: ControllerOptions, node: LabMember): Argv {
  return [
    ...program,
    'respond',
    ...['--port', String(BACKEND_PORT)],
    ...['--node', node.name, '--backend', `web-${node.name}`],
    ...['--key-file', keyFile(plan.stateFolder)],
  ];
}
