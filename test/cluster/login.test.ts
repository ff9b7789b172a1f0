// Who we are to a cluster: credentials that are read anew, and a credential plugin that does not answer.
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readLogin } from '../../src/cluster/login.ts';
import { AnApiServer } from '../support/an-api-server.ts';
import { eventually } from '../support/eventually.ts';

// It is large, and loaded at the first use: no test's time limit need allow for that.
beforeAll(() => import('@kubernetes/client-node'), 60_000);

function kubeconfigOf(user: string): string {
  return `current-context: here
contexts: [{ name: here, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:6443" } }]
users: [{ name: other, user: { tokenFile: nowhere } }, { name: u, user: { ${user} } }]
`;
}

it('sends the token that the kubeconfig’s tokenFile holds now, before a token that stands in it', async () => {
  await using server = await AnApiServer.start();
  await server.writeKubeconfig({ text: kubeconfigOf('token: stale, tokenFile: ./token') });
  const file = join(server.folder, 'token');
  await writeFile(file, 'first\n');
  const login = await readLogin(server.cluster);
  expect((await login.credentials()).headers).toMatchObject({ Authorization: 'Bearer first' });
  await writeFile(file, 'second\n');
  expect((await login.credentials()).headers).toMatchObject({ Authorization: 'Bearer second' });
  await server.writeKubeconfig({ text: kubeconfigOf(`tokenFile: ${join(server.folder, 'missing')}`) });
  await expect((await readLogin(server.cluster)).credentials()).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining(join(server.folder, 'missing')) as string,
  });
});

it('starts a credential plugin that does not answer once, however often it is asked', async () => {
  await using server = await AnApiServer.start();
  const [plugin, started, go] = ['plugin', 'started', 'go'].map((name) => join(server.folder, name)) as [string, string, string];
  const answer = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'mine' } });
  await writeFile(
    plugin,
    `#!/bin/sh\necho x >> ${started}\nwhile [ -d ${server.folder} ] && [ ! -e ${go} ]; do sleep 0.05; done\necho '${answer}'\n`,
  );
  await chmod(plugin, 0o755);
  const exec = `exec: { apiVersion: client.authentication.k8s.io/v1, command: ${plugin}, interactiveMode: Never }`;
  await server.writeKubeconfig({ text: kubeconfigOf(exec) });
  const login = await readLogin(server.cluster);
  const asked = [login.credentials(), login.credentials()];
  await eventually(async () => {
    expect(await readFile(started, 'utf8')).toBe('x\n');
  });
  asked.push(login.credentials());
  await writeFile(go, '');
  for (const each of await Promise.all(asked)) expect(each.headers).toMatchObject({ Authorization: 'Bearer mine' });
  expect(await readFile(started, 'utf8')).toBe('x\n');
});
