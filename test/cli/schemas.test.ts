import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { schemaFiles } from '../../src/cli/schemas.ts';

test('the JSON Schemas in deploy/schemas are those of the code', () => {
  for (const [file, text] of Object.entries(schemaFiles())) expect(readFileSync(join('deploy/schemas', file), 'utf8')).toBe(text);
});

test('editors find the schema of every probe, scenario and lab by its first line', () => {
  const kinds = { probes: 'probe', scenarios: 'scenario', 'deploy/lab': 'environment' };
  for (const [folder, kind] of Object.entries(kinds)) {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
      const [first] = readFileSync(join(folder, file), 'utf8').split('\n');
      const path = /^# yaml-language-server: \$schema=(.*)$/.exec(first ?? '')?.[1];
      expect({ file, schema: join(folder, path ?? '') }).toEqual({ file, schema: `deploy/schemas/${kind}.schema.json` });
    }
  }
});

test('what the schema of a fault demands stands in the JSON Schema as well', () => {
  const text = schemaFiles()['scenario.schema.json'] ?? '';
  expect(text).toContain('"const": "node-drain"');
  expect(text).toContain('withdraw-first');
});
