// What a service will do, worked out from its files before anything is started.
import { dirname, resolve } from 'node:path';
import type { Environment } from '../core/environment.ts';
import { parseReference } from '../core/references.ts';
import type { ServiceFile } from '../core/service-file.ts';
import { keyFile } from '../lab/state-folder.ts';
import { type LabPlan, planLab } from '../lab/address-plan.ts';
import type { ListedKeeper } from '../service/keepers/joined-keepers.ts';
import type { Catalogue } from '../service/parts.ts';
import { resolveOwnEnvironment } from './own-environment.ts';
import { userId } from './process-family.ts';
import { resolveSecret } from './resolve-secret.ts';
import { loadServiceFiles, type ServiceFiles } from './serve-files.ts';

export type ServiceSetup = {
  /** Where serve.yaml lies. */
  path: string;
  /** Secrets are resolved. */
  file: ServiceFile;
  catalogue: Catalogue;
  lab: { file: string; plan: LabPlan; uid: number } | null;
  /** Agents that this service starts itself. */
  localAgents: PlannedAgent[];
  /** Those that join from other machines. */
  keepers: ListedKeeper[];
};

/** `key`: the environment's, as a reference that holds in any folder. */
export type PlannedAgent = { name: string; environment: Environment; vantage: string; isInLab: boolean; key: string };

/**
 * Reads and checks everything, and follows the references to secrets.
 * @param state the service's folder, where the sockets of joined keepers will be
 * @throws AppError FILE_UNREADABLE, BAD_INPUT for a reference that leads nowhere; InputMistakes
 */
export function setUpService(path: string, { prefix, state }: { prefix: string; state: string }): ServiceSetup {
  const files = loadServiceFiles(path);
  const uid = userId();
  const keepers = files.service.value.keepers.map((keeper) => ({ ...keeper, socket: resolve(state, 'keepers', `${keeper.name}.sock`) }));
  const environments = files.environments.map(({ name, path: file, value }) => {
    if (!('lab' in value)) {
      return { name, file, plan: null, key: absolute(value.key, file), environment: resolveOwnEnvironment(value, name) };
    }
    const plan = planLab(value, { name, prefix, uid });
    return { name, file, plan, key: `\${file:${keyFile(plan.stateFolder)}}`, environment: plan.environment };
  });
  const lab = environments.find(({ plan }) => plan !== null);
  return {
    path,
    file: withSecrets(files.service.value, path),
    catalogue: catalogueOf(files, environments, keepers),
    keepers,
    lab: lab?.plan ? { file: lab.file, plan: lab.plan, uid } : null,
    localAgents: environments.flatMap(({ name, environment, plan, key }) =>
      environment.vantages
        .filter((vantage) => plan !== null || files.service.value.localVantages.includes(vantage.name))
        .map((vantage) => ({ name: `${name}-${vantage.name}`, environment, vantage: vantage.name, isInLab: plan !== null, key })),
    ),
  };
}

function catalogueOf(
  files: ServiceFiles,
  environments: readonly { name: string; file: string; environment: Environment }[],
  keepers: readonly ListedKeeper[],
): Catalogue {
  return {
    environments: new Map(
      environments.map(({ name, file, environment }) => {
        const joined = keepers.find((keeper) => keeper.environments.includes(name));
        if (!joined) return [name, { environment, file: resolve(file) }];
        return [name, { environment: { ...environment, keeperSocket: joined.socket }, file: resolve(file), joinedKeeper: joined.name }];
      }),
    ),
    scenarios: new Map(
      files.scenarios.map(({ name, path, value, document: { sha256 } }) => [
        name,
        { scenario: { ...value, name }, file: resolve(path), sha256 },
      ]),
    ),
    probes: new Map(files.probes.map(({ name, path, value }) => [name, { probe: value, file: resolve(path) }])),
  };
}

function withSecrets(file: ServiceFile, path: string): ServiceFile {
  const follow = (text: string) => resolveSecret(text, { file: path, variables: process.env });
  return {
    ...file,
    ...(file.redis !== undefined && { redis: follow(file.redis) }),
    ...(file.tls && { tls: { cert: resolve(dirname(path), file.tls.cert), key: resolve(dirname(path), file.tls.key) } }),
    hooks: file.hooks.map((hook) =>
      hook.kind === 'generic' ? { ...hook, secret: follow(hook.secret) } : { ...hook, token: follow(hook.token) },
    ),
    destinations: file.destinations.map((destination) =>
      destination.kind === 'webhook'
        ? { ...destination, secrets: destination.secrets.map(follow) }
        : { ...destination, ...(destination.token !== undefined && { token: follow(destination.token) }) },
    ),
  };
}

/** A reference to a file as seen from `file`, as one that means the same anywhere; any other text as it is. */
function absolute(text: string, file: string): string {
  const reference = parseReference(text);
  return reference?.kind === 'file' ? `\${file:${resolve(dirname(file), reference.target)}}` : text;
}
