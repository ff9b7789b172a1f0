// Furnishing a new cluster: MetalLB's kinds, roles, speakers, their configuration, responders and Services.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { KubeClient, KubeObject, Resource } from '../../cluster/kube-client.ts';
import { AppError } from '../../core/errors.ts';
import { readYaml } from '../../core/yaml-document.ts';
import type { Argv } from '../../io/command.ts';
import type { LabPlan } from '../address-plan.ts';
import { roleBindings } from './access-objects.ts';
import { controllerPod, METALLB_NAMESPACE, metallbConfiguration, speakers } from './metallb-objects.ts';
import { resourceOf } from './resources.ts';
import { vipServices, webDeployment, webDisruptionBudget } from './web-objects.ts';

const ASK_EVERY_MS = 50;
/** Far more than an idle machine needs. */
const PATIENCE_MS = 60_000;

export type Furnishing = {
  plan: LabPlan;
  client: KubeClient;
  /** How `holdfast` itself is started. */
  program: Argv;
  /** How a speaker is started. */
  speakerCommand: readonly string[];
  /** Folder of MetalLB's CustomResourceDefinitions, and of the roles of Holdfast's users. */
  crds: string;
  roles: string;
  /** Called once the API has what MetalLB's controller wants to find at its start. */
  onMetallbExpected: () => void;
  signal: AbortSignal;
};

/** Makes everything; what is there already stays. Returns when all is made, not when all of it runs. @throws AppError TIMEOUT, CLUSTER_* */
export async function furnish(furnishing: Furnishing): Promise<void> {
  const { plan, program, speakerCommand, crds, roles, onMetallbExpected, client, signal } = furnishing;
  const make = async (objects: readonly KubeObject[]) => {
    await Promise.all(objects.map(async (object) => makeOne(client, object, signal)));
  };
  const kinds = objectsIn(crds, ['CustomResourceDefinition']);
  const metallb = async () => {
    await make([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: METALLB_NAMESPACE } }, ...kinds]);
    for (const kind of kinds) await untilKnown(client, kindOf(kind), signal);
    await make([controllerPod()]);
    onMetallbExpected();
    await make([...metallbConfiguration(plan), speakers(plan, speakerCommand)]);
  };
  const web = async () => {
    await untilKnown(client, { group: '', version: 'v1', plural: 'namespaces', namespaced: false }, signal, 'default');
    await make([webDeployment(plan, program), webDisruptionBudget(), ...vipServices(plan)]);
  };
  await Promise.all([metallb(), web(), make(objectsIn(roles, ['ClusterRole']))]);
  // In namespaces that are there by now.
  await make(roleBindings());
}

/** The API server answers. @throws AppError TIMEOUT, with the last refusal */
export async function untilAnswering(client: KubeClient, signal: AbortSignal): Promise<void> {
  await untilKnown(client, { group: '', version: 'v1', plural: 'namespaces', namespaced: false }, signal);
}

/** Until the API knows a kind, or even an object of it. What it refuses meanwhile is its start. */
async function untilKnown(client: KubeClient, resource: Resource, signal: AbortSignal, name?: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    let refusal: unknown = null;
    try {
      const found = name === undefined ? await client.list(resource, {}, signal) : await client.get({ resource, name }, signal);
      if (found !== null) return;
    } catch (error) {
      signal.throwIfAborted();
      refusal = error;
    }
    if (performance.now() > deadline) {
      throw new AppError('TIMEOUT', `the API server does not serve ${name ?? resource.plural} within ${String(PATIENCE_MS / 1_000)} s`, {
        cause: refusal,
      });
    }
    await sleep(ASK_EVERY_MS, undefined, { signal });
  }
}

/** Whether a request that got no answer was carried out, the next one tells: what is there already stays. */
async function makeOne(client: KubeClient, object: KubeObject, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await client.create(resourceOf(object), object, {}, signal);
      return;
    } catch (error) {
      const code = error instanceof AppError ? error.code : null;
      if (code === 'CONFLICT') return;
      if (code !== 'CLUSTER_UNREACHABLE' || performance.now() > deadline) throw error;
    }
    await sleep(ASK_EVERY_MS, undefined, { signal });
  }
}

const definition = z.looseObject({
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ plural: z.string() }),
    scope: z.string(),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
});

/** The newest served version of a kind, where the API will have it. */
function kindOf(object: KubeObject): Resource {
  const { group, names, scope, versions } = definition.parse(object).spec;
  const version = versions.findLast(({ served }) => served)?.name ?? '';
  return { group, version, plural: names.plural, namespaced: scope === 'Namespaced' };
}

const anObject = z.custom<KubeObject>((value) => z.looseObject({ kind: z.string(), metadata: z.looseObject({}) }).safeParse(value).success);

/** Objects of certain kinds in the YAML files of a folder. */
function objectsIn(folder: string, kinds: readonly string[]): KubeObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => {
      const documents = readFileSync(join(folder, file), 'utf8').split(/^---$/m);
      return documents.map((text) => readYaml(file, text).value).filter((value) => value != null);
    })
    .map((value) => anObject.parse(value))
    .filter(({ kind }) => kind !== undefined && kinds.includes(kind));
}
