import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { agentFile } from '../../src/core/agent-file.ts';
import { holdfast } from '../support/holdfast.ts';

const FILE = {
  agent: 'edge-1',
  service: 'https://holdfast.example.net:7600',
  token: '${file:token}',
  redis: 'rediss://user:password@redis.example.net:6379',
  key: '${file:key}',
  allow: { cidrs: ['203.0.113.0/24'], ports: [7000] },
};

test.each([
  ['service', 'https://holdfast.example.net', null],
  ['service', 'unix:/run/api.sock', null],
  ['service', 'http://127.0.0.1:7600', null],
  ['service', 'http://localhost:7600', null],
  ['service', 'http://[::1]:7600/prefix', null],
  ['service', 'http://holdfast.example.net:7600', /expected https:\/\/ to another machine/],
  ['service', 'http://127.0.0.1@holdfast.example.net', /expected https:\/\/ to another machine/],
  ['service', 'http://localhost.example.net', /expected https:\/\/ to another machine/],
  ['redis', 'redis://user:password@127.0.0.1:6379', null],
  ['redis', 'redis://[::1]:6379', null],
  ['redis', '${env:REDIS}', null],
  ['redis', 'redis://user:password@10.0.0.5:6379', /expected rediss:\/\/ to another machine/],
])('%s: %s', (key, value, told) => {
  const { error } = agentFile.safeParse({ ...FILE, [key]: value });
  if (told === null) expect(error).toBeUndefined();
  else expect(error?.issues).toMatchObject([{ path: [key], message: expect.stringMatching(told) as string }]);
});

test('a reference to a plain Redis of another machine is refused once it is followed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hf-agent-file-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  };
  write('token', `hf_${'0'.repeat(16)}_${'x'.repeat(43)}\n`);
  write('key', `${'0123456789abcdef'.repeat(4)}\n`);
  write('redis', 'redis://user:a-password-of-it@10.0.0.5:6379\n');
  write('agent.yaml', JSON.stringify({ ...FILE, service: 'http://127.0.0.1:1', redis: '${file:redis}' }));
  const { code, stderr } = await holdfast(['agent', '--file', join(folder, 'agent.yaml'), '--check']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/redis:\/\/ URL of another machine.*\n {2}remedy: give Redis TLS/);
  expect(stderr).not.toContain('a-password-of-it');
});
