import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keeperFile } from '../../src/core/keeper-messages.ts';
import { readYaml } from '../../src/core/yaml-document.ts';
import { validateFiles } from '../../src/cli/validate.ts';

test('every file that the README shows is valid as it stands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-readme-'));
  try {
    const texts = [...readFileSync('README.md', 'utf8').matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text ?? '');
    const kinds = texts.map((text, index) => {
      const file = join(folder, `${String(index)}.yaml`);
      writeFileSync(file, text);
      if (keeperFile.safeParse(readYaml(file, text).value).success) return 'keeper';
      const [result] = validateFiles([file], { probes: 'probes' });
      expect(result?.mistakes, text).toEqual([]);
      return result?.kind;
    });
    expect(kinds.sort()).toEqual(['environment', 'keeper', 'probe', 'scenario', 'service']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
