// The kinds of file that people write: how each is told from the others, its schema, and where it may name a secret by reference.
import { basename, dirname } from 'node:path';
import type { z } from 'zod';
import { agentFile } from '../core/agent-file.ts';
import { didYouMean } from '../core/did-you-mean.ts';
import { environmentForms } from '../core/environment.ts';
import { probeFile } from '../core/probe-file.ts';
import { scenarioFile } from '../core/scenario-file.ts';
import { serviceFile } from '../core/service-file.ts';
import { keeperFile } from '../core/keeper-messages.ts';
import { FAULTS } from '../keeper/faults/index.ts';
import { PROTOCOL_NAMES } from '../prober/protocols/index.ts';

export const KINDS = ['probe', 'scenario', 'environment', 'service', 'agent', 'keeper'] as const;
export type Kind = (typeof KINDS)[number];

export const probeSchema = probeFile(PROTOCOL_NAMES);
export const scenarioSchema = scenarioFile(FAULTS);
export const serviceSchema = serviceFile;
export const agentSchema = agentFile;
export const keeperSchema = keeperFile;

/** The form of environment that was meant: one with a `lab` (however misspelt), or a network of one's own. */
export function environmentSchema(value: unknown): z.ZodType<z.output<(typeof environmentForms)['lab' | 'own']>> {
  const isLab = keysOf(value).some((key) => didYouMean(key, ['lab']) !== null);
  return isLab ? environmentForms.lab : environmentForms.own;
}

/** Keys that only one kind of file has. */
const TELLING: Readonly<Record<Kind, readonly string[]>> = {
  probe: ['protocol', 'interval', 'payload', 'stallAfter', 'freshDialsPerSec'],
  scenario: ['flows', 'timeline', 'expect', 'recovery'],
  environment: ['lab', 'vips', 'vantages', 'nodes', 'routers', 'keeper', 'observers'],
  service: ['listen', 'environments', 'monitors', 'schedules', 'hooks', 'destinations', 'rules', 'retention'],
  agent: ['agent', 'service', 'token', 'controllerKey', 'redis', 'state', 'allow', 'spoolMegabytes'],
  keeper: ['armed', 'allow', 'minNextHops', 'leaseMs', 'quarantineMs', 'kubeconfig', 'join'],
};
const FOLDERS: Readonly<Record<string, Kind>> = { probes: 'probe', scenarios: 'scenario', lab: 'environment', environments: 'environment' };

/** Whether a text at `path` of a file of this kind may be a reference to a secret: elsewhere it would be stored with the rest. */
export function mayBeReference(kind: Kind, path: readonly PropertyKey[]): boolean {
  const [last, parent] = [path.at(-1), path.at(-2)];
  switch (kind) {
    case 'probe':
    case 'scenario':
      return false;
    case 'environment':
      return last === 'key';
    case 'service':
      return last === 'redis' || last === 'secret' || last === 'token' || parent === 'secrets';
    case 'agent':
      return path.length === 1 && (last === 'redis' || last === 'token' || last === 'key');
    case 'keeper':
      return parent === 'join' && last === 'token';
  }
}

/** What kind of file this is, by its folder, else by its keys; null when neither tells. */
export function kindOf(path: string, value: unknown): Kind | null {
  const byFolder = FOLDERS[basename(dirname(path))];
  if (byFolder) return byFolder;
  const keys = keysOf(value);
  const fits = KINDS.map((kind) => ({ kind, count: TELLING[kind].filter((key) => keys.includes(key)).length }));
  fits.sort((a, b) => b.count - a.count);
  const [best, second] = fits;
  return best && second && best.count > second.count ? best.kind : null;
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}
