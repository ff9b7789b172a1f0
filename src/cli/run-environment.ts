// From the files of a run to an environment that is ready for it: a lab built or found, one's own network reached.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RouterReader } from '../core/capabilities.ts';
import { hostPrefix } from '../core/addresses.ts';
import type { Environment, EnvironmentFile, OwnEnvironmentFile } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { keyBytes } from '../io/environment-key.ts';
import { type LabPlan, planLab } from '../lab/address-plan.ts';
import { labDown } from '../lab/lab-down.ts';
import { isSameLab, type Lab, openLab } from '../lab/lab.ts';
import { labUp } from '../lab/lab-up.ts';
import { openRouter } from '../routers/index.ts';
import type { KeeperLink } from '../runner/fault-driver.ts';
import { connectKeeper, type KeeperClient } from '../runner/keeper-client.ts';
import type { RunPlan } from '../runner/plan.ts';
import { enterHost } from './lab.ts';
import { LabKeeper } from './lab-keeper.ts';
import { ensurePrograms } from './lab-programs.ts';
import { type Expected, loadRun } from './load-run.ts';
import { resolveOwnEnvironment } from './own-environment.ts';
import { userId } from './process-family.ts';
import { resolveSecret } from './resolve-secret.ts';
import type { SessionParts } from './run-session.ts';
import { selfArgv } from './self.ts';

export type LoadedPlan = {
  plan: RunPlan;
  environmentFile: string;
  /** Where the keeper was said to listen, instead of where the environment says. */
  keeperSocket?: string | undefined;
  place: { kind: 'lab'; labPlan: LabPlan; uid: number } | { kind: 'own'; file: OwnEnvironmentFile };
};

/**
 * Reads and checks the files of a run. For an ordinary user with a lab, this process begins again inside the lab's own namespaces.
 * @throws AppError FILE_UNREADABLE, CONFLICT; InputMistakes
 */
export async function loadPlan(
  flags: {
    scenario: string;
    environment: string;
    probes?: string | undefined;
    keeperSocket?: string | undefined;
    prefix: string;
    seed: number;
    isDryRun: boolean;
  } & Expected,
): Promise<LoadedPlan> {
  const { scenario, environment, probes } = loadRun(flags);
  const { place, resolved } = await resolveEnvironment(environment.value, {
    name: environment.name,
    prefix: flags.prefix,
    // A dry run looks at a lab that is there, and makes nothing for one that is not.
    purpose: flags.isDryRun ? 'clear' : 'build',
  });
  return {
    plan: { scenario: { ...scenario.value, name: scenario.name }, environment: resolved, probes, seed: flags.seed },
    environmentFile: resolve(flags.environment),
    keeperSocket: flags.keeperSocket,
    place,
  };
}

/** Makes the environment ready; disposing it takes down what was brought up here. */
export async function openEnvironment(loaded: LoadedPlan, signal: AbortSignal): Promise<SessionParts & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const { plan, place } = loaded;
  const needsKeeper = plan.scenario.timeline.length > 0;
  let key: Uint8Array;
  let keeper: KeeperLink | null = null;
  if (place.kind === 'lab') {
    const lab = opened.use(await openOrBuildLab(place, signal));
    key = keyBytes(readFileSync(lab.lab.keyFile, 'utf8'));
    if (needsKeeper && loaded.keeperSocket !== undefined) keeper = opened.use(await connectTo(loaded.keeperSocket, signal));
    else if (needsKeeper) keeper = opened.use(await openLabKeeper(lab.lab, loaded.environmentFile, signal)).client;
  } else {
    key = keyBytes(resolveSecret(place.file.key, { file: loaded.environmentFile, variables: process.env }));
    const socket = plan.environment.keeperSocket;
    if (needsKeeper && socket !== null) keeper = opened.use(await connectTo(socket, signal));
  }
  const routers = readersOf(plan.environment);
  const closing = opened.move();
  return { environment: plan.environment, key, keeper, routers, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

async function connectTo(socket: string, signal: AbortSignal): Promise<KeeperClient> {
  return await connectKeeper(socket, { timeoutMs: 2_000, signal });
}

/** Nodes behind the scenario's first VIP in the router's own order; empty when no router can be read now. */
export async function readOrder({ plan }: LoadedPlan): Promise<string[]> {
  const { environment, scenario } = plan;
  const vip = environment.vips.find(({ name }) => name === scenario.flows[0]?.vip);
  const [reader] = readersOf(environment).values();
  if (!vip || !reader) return [];
  const hops = await reader.nextHops(hostPrefix(vip.address), AbortSignal.timeout(5_000)).catch(() => []); // no lab: nobody to ask
  return hops.map((hop) => environment.nodes.find(({ addresses }) => addresses.includes(hop))?.name ?? hop);
}

/** A reader for each router of the environment. */
export function readersOf(environment: Environment): Map<string, RouterReader> {
  return new Map(environment.routers.map((router) => [router.name, openRouter(router)]));
}

/** The resolved form of an environment file. In a lab of an ordinary user this process begins again inside it, as `enterLabHost` says. */
export async function resolveEnvironment(
  file: EnvironmentFile,
  options: { name: string; prefix: string; purpose: 'build' | 'use' | 'clear' },
): Promise<{ place: LoadedPlan['place']; resolved: Environment }> {
  if (!('lab' in file)) return { place: { kind: 'own', file }, resolved: resolveOwnEnvironment(file, options.name) };
  const labPlan = planLab(file, { ...options, uid: userId() });
  if (options.purpose === 'build') await ensurePrograms(file, (line) => process.stderr.write(`lab: ${line}\n`));
  const { uid } = await enterHost(options.prefix, options.purpose);
  return { place: { kind: 'lab', labPlan, uid }, resolved: labPlan.environment };
}

/** The lab as it is up, or a new one that disposing takes down again. */
export async function openOrBuildLab(
  { labPlan, uid }: { labPlan: LabPlan; uid: number },
  signal: AbortSignal,
): Promise<{ lab: Lab } & AsyncDisposable> {
  const existing = findLab(labPlan.prefix, uid);
  if (existing) {
    if (isSameLab(existing, labPlan)) return { lab: existing, [Symbol.asyncDispose]: () => Promise.resolve() };
    throw new AppError('LAB_EXISTS', `another lab is up under the prefix ${labPlan.prefix}: ${existing.environment.title}`, {
      remedy: `holdfast lab down --prefix ${labPlan.prefix}, or give this one another --prefix`,
    });
  }
  const lab = await labUp(labPlan, { uid, program: selfArgv(), signal, onProgress: (step) => process.stderr.write(`lab: ${step}\n`) });
  return {
    lab,
    [Symbol.asyncDispose]: async () => {
      await labDown(labPlan.prefix, uid);
    },
  };
}

/** The lab that is up under `prefix`; null when there is none. */
export function findLab(prefix: string, uid: number): Lab | null {
  try {
    return openLab(prefix, uid);
  } catch (error) {
    if (error instanceof AppError && error.code === 'LAB_MISSING') return null;
    throw error;
  }
}

/** A connection to the lab's keeper. Disposing waits for the keeper's own end, so that the lab never goes while something is in quarantine. */
export async function openLabKeeper(
  lab: Lab,
  environmentFile: string,
  signal: AbortSignal,
): Promise<{ client: KeeperLink } & AsyncDisposable> {
  const keeper = new LabKeeper(lab, environmentFile);
  const client = await keeper.connect(signal);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      process.stderr.write('lab: waiting until the keeper has seen that nothing comes back\n');
      await keeper.close(client);
    },
  };
}
