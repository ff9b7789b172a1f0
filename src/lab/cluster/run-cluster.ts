// The supervisor of a cluster lab: it plays systemd for the control plane and every node, and lets the outside reach the API.
//
//   etcd, apiserver --certificate--> kubeconfigs --answers--> scheduler, kubelets, proxies
//                                                      \---> objects --MetalLB's kinds--> MetalLB's controller
//                                                       \--> ready --> controller manager
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster } from '../../cluster/open-cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { Argv } from '../../io/command.ts';
import { forwardSocket } from '../../io/forwarded-socket.ts';
import type { LabPlan } from '../address-plan.ts';
import { keepMirroring } from '../controller/next-hop-mirror.ts';
import type { Programs } from '../programs.ts';
import { untilReady } from './api-ready.ts';
import { CLUSTER_USERS, clusterFiles, kubeconfigPath } from './cluster-files.ts';
import { controlPlaneOf } from './cluster-options.ts';
import { furnish, untilAnswering } from './furnish.ts';
import { API_PORT, kubeconfigText, type Tokens, tokenFile } from './kubeconfig.ts';
import { METALLB_NAMESPACE, speakerCommand } from './metallb-objects.ts';
import * as start from './program-arguments.ts';
import { writeClusterRecord } from './program-records.ts';
import { SupervisedProgram } from './supervised-program.ts';

const CERTIFICATE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;

export type ClusterOptions = {
  plan: LabPlan;
  programs: Programs;
  /** How `holdfast` itself is started. */
  program: Argv;
  /** The folder `deploy`: the roles of Holdfast's users, and a speaker's script. */
  deploy: string;
  log: (line: string) => void;
  signal: AbortSignal;
};

/**
 * Runs in the control plane's namespace until `signal` aborts or the lab's files are gone. Every program ends with this process.
 * @throws AppError when the cluster cannot be brought up
 */
export async function runCluster(options: ClusterOptions): Promise<void> {
  const { plan, programs, program, deploy, log, signal } = options;
  const files = clusterFiles(plan.stateFolder);
  const supervisor = new Supervisor(plan, log);
  try {
    const tokens = prepareFolder(plan);
    await using _door = await forwardSocket(files.socket, () => connect({ port: API_PORT, host: '127.0.0.1', allowHalfOpen: true }));
    supervisor.start(start.etcd(plan, programs));
    supervisor.start(start.apiServer(plan, programs));
    const certificate = await writeKubeconfigs(plan, tokens, signal);
    await using client = await openCluster({
      kubeconfig: kubeconfigPath(plan.stateFolder, 'system'),
      context: null,
      socket: null,
      metallbNamespace: METALLB_NAMESPACE,
    });
    await untilAnswering(client, signal);
    log('the API server answers');
    supervisor.start(start.scheduler(plan, programs));
    const { address } = controlPlaneOf(plan);
    const managed = untilReady({ address, certificate, token: tokens.system }, signal).then(() => {
      supervisor.start(start.controllerManager(plan, programs));
    });
    for (const node of plan.nodes) {
      supervisor.start(start.kubelet(plan, node, program));
      supervisor.start(start.kubeProxy(plan, node, programs));
    }
    const furnished = furnish({
      plan,
      client,
      program,
      speakerCommand: speakerCommand(plan, programs, join(deploy, 'lab', 'frr-speaker.sh')),
      crds: programs.crds,
      roles: join(deploy, 'kubernetes'),
      onMetallbExpected: () => {
        supervisor.start(start.metallbController(plan, programs));
      },
      signal,
    });
    await Promise.all([managed, furnished]);
    supervisor.furnished();
    log('every object is made');
    const { nextHopGroups } = plan.file.lab;
    if (nextHopGroups !== 'hash-threshold') {
      const complain = (error: unknown) => {
        log(`resilient groups: ${String(error)}`);
      };
      void keepMirroring(plan, nextHopGroups.resilient, { complain, signal });
    }
    await untilOver(files.folder, signal);
  } finally {
    supervisor.end();
  }
}

/** The programs that were started, and the record of them. */
class Supervisor {
  readonly #plan: LabPlan;
  readonly #log: (line: string) => void;
  readonly #programs: SupervisedProgram[] = [];
  #isFurnished = false;

  constructor(plan: LabPlan, log: (line: string) => void) {
    this.#plan = plan;
    this.#log = log;
  }

  start(program: start.ClusterProgram): void {
    const supervised = new SupervisedProgram(program, {
      logFile: clusterFiles(this.#plan.stateFolder).log(program.name),
      onChange: (what) => {
        this.#log(what);
        this.#tell();
      },
    });
    this.#programs.push(supervised);
    this.#tell();
  }

  furnished(): void {
    this.#isFurnished = true;
    this.#tell();
  }

  /** By force: nothing of a lab outlives it, so that nothing need be put in order. */
  end(): void {
    for (const program of this.#programs) program.end('SIGKILL');
  }

  #tell(): void {
    const { stateFolder } = this.#plan;
    if (!existsSync(clusterFiles(stateFolder).folder)) return; // the lab is being taken down
    writeClusterRecord(stateFolder, { programs: this.#programs.map(({ record }) => record), isFurnished: this.#isFurnished });
  }
}

/** Makes folders, keys and tokens. */
function prepareFolder(plan: LabPlan): Tokens {
  const files = clusterFiles(plan.stateFolder);
  for (const folder of [files.folder, files.logs, files.certificates]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(files.accountKey, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  const tokens = Object.fromEntries(CLUSTER_USERS.map((user) => [user, randomBytes(32).toString('base64url')])) as Tokens;
  writeFileSync(files.tokens, tokenFile(tokens), { mode: 0o600 });
  return tokens;
}

/** Once the API server has made its certificate, which everybody is to verify. @returns it, as PEM. @throws AppError TIMEOUT */
async function writeKubeconfigs(plan: LabPlan, tokens: Tokens, signal: AbortSignal): Promise<string> {
  const files = clusterFiles(plan.stateFolder);
  const deadline = performance.now() + CERTIFICATE_WITHIN_MS;
  // The key is written after the certificate: when it is there, the certificate is whole.
  while (!existsSync(files.certificate) || !existsSync(files.certificateKey)) {
    if (performance.now() > deadline) {
      throw new AppError('TIMEOUT', `the API server did not start: see ${files.log('kube-apiserver')}`);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  const certificate = readFileSync(files.certificate, 'utf8');
  for (const user of CLUSTER_USERS) {
    const text = kubeconfigText({ controlPlane: controlPlaneOf(plan), user, token: tokens[user], certificate });
    writeFileSync(kubeconfigPath(plan.stateFolder, user), text, { mode: 0o600 });
  }
  return certificate;
}

/** Until `signal` aborts, or the lab's files are gone: then nobody could end this process any more. */
async function untilOver(folder: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const look = () => {
    if (signal.aborted || !existsSync(folder)) resolve(undefined);
  };
  const watcher = watch(folder, look);
  signal.addEventListener('abort', look);
  look();
  await promise;
  watcher.close();
}
