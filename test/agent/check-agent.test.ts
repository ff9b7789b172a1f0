// `holdfast agent --check`, the agent's help, and its example file, as people meet them.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { validateFiles } from '../../src/cli/validate.ts';
import { newSigningKeyPem, signingKey } from '../../src/io/order-signature.ts';
import { holdfast } from '../support/holdfast.ts';
import { RedisProcess } from './a-redis.ts';
import { ServiceDouble, TOKEN } from './a-service.ts';
import { anAgentFile } from './an-agent.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

it('the example file is a valid agent file, and editors find its schema', () => {
  expect(validateFiles(['deploy/agent.example.yaml'])).toMatchObject([{ kind: 'agent', mistakes: [] }]);
  expect(readFileSync('deploy/agent.example.yaml', 'utf8')).toMatch(/^# yaml-language-server: \$schema=schemas\/agent\.schema\.json\n/);
});

it('a mistake in an agent file is told with its place, a secret in the wrong place too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-agent-file-'));
  try {
    const path = join(folder, 'agent.yaml');
    const wrong = {
      ...anAgentFile({ service: 'ftp://x', redis: 'unix:/x' }),
      state: '${env:HOME}',
      allow: { cidrs: [], ports: ['80-70'] },
    };
    writeFileSync(path, JSON.stringify(wrong, null, 1));
    const told = validateFiles([path])[0]?.mistakes.map(({ path: at, expected }) => `${at}: ${expected}`);
    expect(told).toEqual([
      expect.stringMatching(/^state: the value itself here \(only redis, token and key may be references\)/),
      expect.stringMatching(/^allow\.cidrs: /),
      expect.stringMatching(/^allow\.ports\[0\]: expected a port or a range|^allow\.ports\[0\]: a port or a range/),
      expect.stringMatching(/^service: an https URL, or unix:/),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('--check tells what would be allowed and whether both answer, and starts and pins nothing', async () => {
  await using redis = await RedisProcess.start();
  await using service = await ServiceDouble.start();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-check-'));
  try {
    const path = join(folder, 'agent.yaml');
    writeFileSync(join(folder, 'token'), TOKEN);
    writeFileSync(join(folder, 'key'), 'a secret for tests only');
    writeFileSync(path, JSON.stringify(anAgentFile({ service: service.url, redis: `unix:${redis.path}` })));
    const fine = await holdfast(['agent', '--file', path, '--check']);
    expect(fine.stderr).toBe('');
    expect(fine.code).toBe(0);
    expect(fine.stdout).toMatch(/allows {3}VIPs in 127\.0\.0\.0\/8; ports 1-65535/);
    expect(fine.stdout).toMatch(/service {2}ok: vantage v1 of lab, key SHA256:\S+ \(pinned at the first start\)/);
    expect(fine.stdout).toMatch(/Redis {4}ok: 0 jobs wait/);
    service.key = signingKey(newSigningKeyPem());
    writeFileSync(join(folder, 'token'), 'another token of some length');
    await redis.kill();
    const bad = await holdfast(['agent', '--file', path, '--check']);
    expect(bad.code).toBe(4);
    expect(bad.stdout).toMatch(/service {2}NOT OK: .*does not accept this agent's token/);
    expect(bad.stdout).toMatch(/Redis {4}NOT OK: /);
    expect(bad.stderr).toContain('the service and Redis did not answer');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
