// `holdfast schemas`: writes the JSON Schemas of the kinds of file and the document of the API, or tells whether those on disk are current.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { environmentFile } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { jsonSchemaText } from '../core/json-schema.ts';
import { writeWholeFile } from '../io/whole-file.ts';
import { agentSchema, keeperSchema, probeSchema, scenarioSchema, serviceSchema } from './kinds.ts';

/** The schemas of files of this version, by file name. */
export function schemaFiles(): Record<string, string> {
  return {
    'probe.schema.json': jsonSchemaText(probeSchema, 'Holdfast probe: how to look at a VIP'),
    'scenario.schema.json': jsonSchemaText(scenarioSchema, 'Holdfast scenario: what to hold, what to break and when, what to expect'),
    'environment.schema.json': jsonSchemaText(environmentFile, 'Holdfast environment: where things are'),
    'service.schema.json': jsonSchemaText(serviceSchema, 'Holdfast service: what it watches, runs, listens to and tells'),
    'agent.schema.json': jsonSchemaText(agentSchema, 'Holdfast agent: who it is, whom it takes orders from, and what it is willing to do'),
    'keeper.schema.json': jsonSchemaText(
      keeperSchema,
      'Holdfast keeper: what it may do, and which service may ask it from another machine',
    ),
  };
}

export function schemasCommand(): Command {
  return new Command('schemas')
    .description('Writes the JSON Schemas that editors use for probe, scenario, environment, service, agent and keeper files.')
    .option('--out <folder>', 'where they lie', 'deploy/schemas')
    .option('--check', 'write nothing; refuse when those on disk are not current')
    .action(async ({ out, check }: { out: string; check?: true }) => {
      const { openApiText } = await import('../service/api/describe-api.ts');
      const files = { ...schemaFiles(), 'openapi.json': await openApiText() };
      const stale = Object.entries(files).filter(([file, text]) => textOf(join(out, file)) !== text);
      if (check && stale.length > 0) {
        throw new AppError('BAD_INPUT', `not current in ${out}: ${stale.map(([file]) => file).join(', ')}`, { remedy: 'npm run schemas' });
      }
      for (const [file, text] of stale) writeWholeFile(join(out, file), text);
    });
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not there yet
  }
}
