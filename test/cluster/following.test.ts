// Lists that are followed, against a real TLS server that is killed, frozen, cut off and made to forget.
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { KubeClient } from '../../src/cluster/kube-client.ts';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { openCluster } from '../../src/cluster/open-cluster.ts';
import { AFollower } from '../support/a-follower.ts';
import { AnApiServer, answer, aStatus } from '../support/an-api-server.ts';
import { eventually } from '../support/eventually.ts';

// It is large, and loaded at the first use: no test's time limit need allow for that.
beforeAll(() => import('@kubernetes/client-node'), 60_000);

const { pods } = RESOURCES;
const BRISK = { callMs: 2_000, watchSec: 30, pulse: { everyMs: 50, answerMs: 1_000 }, pauses: { firstMs: 5, longestMs: 50 } };

async function aFollowedServer(timing: object = {}) {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await AnApiServer.start());
  server.put('a');
  const client = opened.use(await openCluster(server.cluster, { ...BRISK, ...timing }));
  const follower = new AFollower();
  const following = opened.use(await client.follow(pods, {}, follower));
  await eventually(() => {
    expect(server.watcherCount).toBe(1);
  });
  const whole = opened.move();
  return { server, client, follower, following, [Symbol.asyncDispose]: () => whole.disposeAsync() };
}

it('tells what is there, then each change as it comes', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  expect(follower.state).toEqual(server.state);
  server.put('b');
  server.put('a', { spec: {} });
  server.drop('b');
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'ADDED b', 'MODIFIED a', 'DELETED b']);
  });
  expect(server.asked.find(({ query }) => query.has('watch'))?.query.get('timeoutSeconds')).toBe('30');
});

it('goes on where it was when its connection is cut, in the middle of a line too, and nobody hears of it', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  const watches = () => server.asked.filter(({ query }) => query.has('watch')).length;
  for (const pod of ['b', 'c', 'd']) {
    const before = watches();
    server.tear();
    server.put(pod);
    await eventually(() => {
      expect(watches()).toBeGreaterThan(before);
      expect(follower.state).toEqual(server.state);
    });
  }
  expect(follower.heard).toEqual(['sync', 'ADDED b', 'ADDED c', 'ADDED d']);
  expect(server.watcherCount).toBe(1);
});

it('tells everything anew when the server no longer remembers the changes', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  server.bookmark(); // moves the follower on, so that only what is forgotten later counts
  server.interlude = ({ query }, response) => {
    if (!query.has('watch')) return false;
    server.put('b');
    server.compact();
    server.interlude = () => false;
    return answer(response, 410, aStatus(410, 'Expired'));
  };
  server.endWatches();
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'sync']);
  });
  expect(follower.state).toEqual(server.state);
});

it('is blind once while the server is away, and tells everything when it is back', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  await server.goDown();
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'blind']);
  });
  expect(follower.reasons[0]).toMatch(/the API server at https:\/\/127\.0\.0\.1:\d+ does not answer/);
  server.put('b');
  await server.comeUp();
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'blind', 'sync']);
  });
  expect(follower.state).toEqual(server.state);
});

it('finds out that a server which keeps its connections no longer answers', async () => {
  await using world = await aFollowedServer({ pulse: { everyMs: 20, answerMs: 100 } });
  const { server, follower } = world;
  server.interlude = () => true; // as frozen: what it is asked stays unanswered
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'blind']);
  });
  server.interlude = () => false;
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'blind', 'sync']);
  });
});

it('sees a server that is too busy to say its version: that is an answer', async () => {
  await using world = await aFollowedServer({ pulse: { everyMs: 20, answerMs: 1_000 } });
  const { server, follower } = world;
  const versions = () => server.asked.filter(({ path }) => path === '/version').length;
  server.interlude = ({ path }, response) => path === '/version' && answer(response, 429, aStatus(429, 'busy'), { 'retry-after': '5' });
  const before = versions();
  await eventually(() => {
    expect(versions()).toBeGreaterThan(before + 5);
  });
  expect(follower.heard).toEqual(['sync']);
});

it('does not take credentials that are slow to be had for a server that does not answer', async () => {
  await using server = await AnApiServer.start();
  server.put('a');
  const token = join(server.folder, 'token.sh');
  const status = { expirationTimestamp: '2020-01-01T00:00:00Z', token: 'secret' }; // so it is asked for every time
  const credential = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
  await writeFile(token, `sleep 1.2\necho '${credential}'\n`);
  const plugin = `exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["${token}"], interactiveMode: Never }`;
  const { kubeconfig } = server.cluster;
  await writeFile(kubeconfig ?? '', (await readFile(kubeconfig ?? '', 'utf8')).replace('token: secret', plugin));
  await using client = await openCluster(server.cluster, { ...BRISK, callMs: 10_000, pulse: { everyMs: 20, answerMs: 1_000 } });
  const follower = new AFollower();
  await using _following = await client.follow(pods, {}, follower);
  await eventually(() => {
    expect(server.asked.filter(({ path }) => path === '/version').length).toBeGreaterThan(1);
  });
  expect(follower.heard).toEqual(['sync']);
});

it('drops a watch on which nothing comes for longer than it may last', async () => {
  await using world = await aFollowedServer({ watchSec: 1, graceMs: 0 });
  const { server, follower } = world;
  const isWatch = ({ query }: { query: URLSearchParams }) => query.has('watch');
  await eventually(() => {
    expect(server.asked.filter(isWatch).length).toBeGreaterThan(1); // the stand-in never ends one by itself
  });
  server.put('b');
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'ADDED b']);
  });
});

it('is blind where it may not look, says why, and sees as soon as it may', async () => {
  await using server = await AnApiServer.start();
  server.interlude = ({ path }, response) => path !== '/version' && answer(response, 403, aStatus(403, 'eve may not'));
  await using client = await openCluster(server.cluster, BRISK);
  const follower = new AFollower();
  await using _ = await client.follow(pods, {}, follower);
  expect(follower.heard).toEqual(['blind']);
  expect(follower.reasons[0]).toContain('eve may not');
  server.interlude = () => false;
  await eventually(() => {
    expect(follower.heard).toEqual(['blind', 'sync']);
  });
});

it('takes a kind that the server does not know for an empty list', async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster, BRISK);
  const follower = new AFollower();
  await using _ = await client.follow(RESOURCES.bgpSessionStates, {}, follower);
  expect(follower.heard).toEqual(['sync']);
});

it('begins anew after what is no event', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  server.say('{"type":"ADDED","object":');
  server.put('b');
  server.endWatches();
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'sync']);
  });
  expect(follower.state).toEqual(server.state);
});

it('hears of objects as large as etcd holds them', async () => {
  await using world = await aFollowedServer();
  const { server, follower } = world;
  server.put('b', { data: 'ä'.repeat(1 << 20) });
  server.put('c');
  await eventually(() => {
    expect(follower.heard).toEqual(['sync', 'ADDED b', 'ADDED c']);
  });
});

it('lets go of every connection and timer when it ends, whatever the server was doing', { timeout: 60_000 }, async () => {
  await using server = await AnApiServer.start();
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const live = async (client: KubeClient) => {
    const follower = new AFollower();
    await using _ = await client.follow(pods, {}, follower);
    server.cutAll();
    await eventually(() => {
      expect(server.watcherCount).toBe(1);
    });
  };
  {
    await using client = await openCluster(server.cluster, BRISK);
    await live(client);
  }
  const before = openFiles();
  for (let times = 0; times < 8; times += 1) {
    await using client = await openCluster(server.cluster, BRISK);
    await live(client);
  }
  await eventually(() => {
    expect(server.connectionCount).toBe(0);
    expect(openFiles()).toBeLessThanOrEqual(before);
  });
});

const name = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  { weight: 4, arbitrary: name.map((which) => ({ kind: 'put' as const, which })) },
  { weight: 2, arbitrary: name.map((which) => ({ kind: 'drop' as const, which })) },
  fc.record({ kind: fc.constantFrom('cut', 'tear', 'end', 'compact', 'bookmark', 'restart', 'breathe') }),
);

it('knows in the end what the server knows, in whatever order things change and break', { timeout: 60_000 }, async () => {
  await using server = await AnApiServer.start();
  await using client = await openCluster(server.cluster, BRISK);
  const act = {
    cut: () => {
      server.cutAll();
    },
    tear: () => {
      server.tear();
    },
    end: () => {
      server.endWatches();
    },
    compact: () => {
      server.compact();
    },
    bookmark: () => {
      server.bookmark();
    },
    restart: async () => {
      await server.goDown();
      await server.comeUp();
    },
    breathe: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const follower = new AFollower();
      await using _ = await client.follow(pods, {}, follower);
      for (const todo of steps) {
        if (!('which' in todo)) await act[todo.kind]();
        else if (todo.kind === 'put') server.put(todo.which);
        else server.drop(todo.which);
      }
      await eventually(() => {
        expect(follower.state).toEqual(server.state);
      }, 3_000);
    }),
    { numRuns: 60 },
  );
});
