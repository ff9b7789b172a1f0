import { expect, test } from 'vitest';
import type { Catalogue } from '../../../src/service/parts.ts';
import { runArgv } from '../../../src/service/runs/run-program.ts';
import { anEnvironment, someScenarios } from '../api/an-api.ts';

test('a runner is told what the service judged the scenario by, since it reads the file anew', () => {
  const catalogue: Catalogue = {
    environments: new Map([['lab', { environment: anEnvironment(), file: 'lab.yaml' }]]),
    scenarios: someScenarios(),
    probes: new Map(),
  };
  const argvOf = (scenario: string) =>
    runArgv({ argv: ['holdfast'], catalogue, labPrefix: 'hf' }, { scenario, environment: 'lab', seed: 1 }, '/out') ?? [];
  expect(argvOf('quiet')).toContain('--no-faults');
  expect(argvOf('drop').join(' ')).toContain(`--expect-scenario ${'0'.repeat(64)}`);
  expect(argvOf('nothing')).toEqual([]);
});
