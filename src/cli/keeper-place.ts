// Where a keeper works and what it may do there, worked out from its command line: shared by keeper, janitor, status and halt.
import { dirname, join } from 'node:path';
import { clusterControl } from '../cluster/cluster-control.ts';
import type { KubeClient } from '../cluster/kube-client.ts';
import { nodeAdvertise } from '../cluster/node-advertise.ts';
import { nodeServe } from '../cluster/node-serve.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { ClusterControl } from '../core/cluster-control.ts';
import type { Cluster, Environment } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { type KeeperFile, keeperFile } from '../core/keeper-messages.ts';
import type { Surroundings } from '../keeper/act.ts';
import { FAULTS } from '../keeper/faults/index.ts';
import { planLab } from '../lab/address-plan.ts';
import { kubeconfigPath } from '../lab/cluster/cluster-files.ts';
import { type Lab, labOf } from '../lab/lab.ts';
import { nodeControls } from '../lab/node-controls.ts';
import { openRouter } from '../routers/index.ts';
import { enterHost } from './lab.ts';
import { checkFile, loadEnvironment, readDocument, whole } from './load-files.ts';
import { resolveOwnEnvironment } from './own-environment.ts';
import { userId } from './process-family.ts';

export type PlaceFlags = { env?: string; prefix: string; file?: string; state?: string; socket?: string };

export type KeeperPlace = {
  surroundings: Surroundings;
  file: KeeperFile;
  stateFolder: string;
  socket: string;
};

/**
 * All that a keeper needs to know. A lab's keeper needs no further flags: it is armed for its lab. For an ordinary user with a lab,
 * this process begins again inside the lab's own namespaces.
 * @throws AppError BAD_FLAG, FILE_UNREADABLE; InputMistakes
 */
export async function keeperPlace(flags: PlaceFlags): Promise<KeeperPlace> {
  if (flags.env === undefined)
    throw new AppError('BAD_FLAG', 'the flag --env is missing', { remedy: 'name the environment that it keeps: --env FILE' });
  const { environment, devices } = await openDevices({ ...flags, env: flags.env });
  const stateFolder =
    flags.state ?? (environment.lab && environment.keeperSocket ? stateFolderBeside(environment.keeperSocket) : undefined);
  if (stateFolder === undefined) {
    throw new AppError('BAD_FLAG', 'the flag --state is missing', {
      remedy: 'name a folder of its own on this machine, such as --state /var/lib/holdfast',
    });
  }
  return {
    surroundings: { environment, devices, faults: FAULTS },
    file: flags.file === undefined ? defaultFile(environment) : loadKeeperFile(flags.file),
    stateFolder,
    socket: flags.socket ?? environment.keeperSocket ?? join(stateFolder, 'keeper.sock'),
  };
}

/** The socket and state folder that a question to a keeper needs, from whichever flag tells. @throws AppError BAD_FLAG */
export function keeperDoor(flags: PlaceFlags): { socket: string; stateFolder: string } {
  const environment = flags.env === undefined ? null : resolveEnvironment(flags.env, flags.prefix, userId()).environment;
  const socket = flags.socket ?? environment?.keeperSocket ?? (flags.state === undefined ? undefined : join(flags.state, 'keeper.sock'));
  if (socket === undefined) {
    throw new AppError('BAD_FLAG', 'which keeper?', {
      remedy: 'name it by --socket PATH, or by --env FILE of an environment that names one',
    });
  }
  return { socket, stateFolder: flags.state ?? stateFolderBeside(socket) };
}

/** A keeper's state folder unless it is told another: `keeper` beside its socket. */
function stateFolderBeside(socket: string): string {
  return join(dirname(socket), 'keeper');
}

/** A lab belongs to the keeper as a whole; anything else is disarmed until a file on the keeper's machine arms it. */
function defaultFile({ lab, nodes, vips }: Environment): KeeperFile {
  if (lab === null) return keeperFile.parse({ armed: false, allow: {} });
  const { lease, quarantine } = lab.topology.keeper;
  return keeperFile.parse({
    armed: true,
    allow: { faults: FAULTS.map(({ kind }) => kind), nodes: nodes.map(({ name }) => name), vips: vips.map(({ name }) => name) },
    leaseMs: lease,
    quarantineMs: quarantine,
  });
}

/** @throws AppError FILE_UNREADABLE; InputMistakes with every mistake of the file */
export function loadKeeperFile(path: string): KeeperFile {
  return whole(checkFile(readDocument(path), 'keeper')).value;
}

async function openDevices(flags: PlaceFlags & { env: string }): Promise<{ environment: Environment; devices: Capabilities }> {
  const isLab = 'lab' in loadEnvironment(flags.env).value;
  const uid = isLab ? (await enterHost(flags.prefix, 'use')).uid : userId();
  const { environment, lab } = resolveEnvironment(flags.env, flags.prefix, uid);
  const [first] = environment.routers;
  const router = first ? openRouter(first) : null;
  const cluster = environment.cluster && (await clusterOf(environment.cluster, lab, flags));
  const nodes = cluster ? null : lab && nodeControls(lab.nodes);
  return {
    environment,
    devices: {
      router,
      sessions: router,
      advertise: cluster ? nodeAdvertise(cluster) : nodes,
      serve: cluster ? nodeServe(cluster) : nodes,
      links: lab?.nodes ?? null,
      cluster,
    },
  };
}

/** The cluster as the keeper may act on it: by credentials of its own, where there are some. */
async function clusterOf(cluster: Cluster, lab: Lab | null, { file }: PlaceFlags): Promise<ClusterControl> {
  const own = file === undefined ? null : loadKeeperFile(file);
  const kubeconfig = own?.kubeconfig ?? (lab ? kubeconfigPath(lab.stateFolder, 'holdfast-keeper') : cluster.kubeconfig);
  const login = { ...cluster, kubeconfig, context: own?.context ?? cluster.context };
  const open = async () => {
    const { openCluster } = await import('../cluster/open-cluster.ts');
    return await openCluster(login);
  };
  // Loaded before anything else, and not when a fault must go: that takes its time, in which nobody hears of a renewal or a question.
  let early: KubeClient | null = await open().catch(() => null); // a failure is told when a fault asks
  return clusterControl(async () => {
    const opened = early ?? (await open());
    early = null;
    return opened;
  });
}

function resolveEnvironment(path: string, prefix: string, uid: number): { environment: Environment; lab: Lab | null } {
  const { value, name } = loadEnvironment(path);
  if (!('lab' in value)) return { environment: resolveOwnEnvironment(value, name), lab: null };
  const lab = labOf(planLab(value, { name, prefix, uid }));
  return { environment: lab.environment, lab };
}
