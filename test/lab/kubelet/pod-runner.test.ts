// Pods as processes: real ones, in real namespaces, from start to end, and over the death of whoever runs them.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../../../src/io/command.ts';
import { identityOf } from '../../../src/io/process-identity.ts';
import { aPod } from '../../support/a-pod.ts';
import { eventually } from '../../support/eventually.ts';
import { PodBench } from '../../support/pod-bench.ts';

let bench: PodBench;
beforeEach(async () => {
  bench = await PodBench.open('tpods');
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Gives `to` the address of whoever connects; on SIGTERM it ends well. A probe may be gone, with its address, before it is seen. */
const echoing = (to: string) => `
  process.on('SIGTERM', () => process.exit(0));
  console.log('I am ' + process.env.POD + ' at ' + process.env.IP);
  require('net').createServer((socket) => {
    socket.on('error', () => undefined);
    ${to}((socket.remoteAddress ?? '').replace('::ffff:', ''));
  }).listen(7000);`;
const ECHO = echoing('socket.end');
const echo = (container: object = {}) =>
  aPod({
    container: {
      command: [process.execPath, '-e', ECHO],
      env: [
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      readinessProbe: { tcpSocket: { port: 7000 }, periodSeconds: 1 },
      ...container,
    },
  });
const shell = (script: string, container: object = {}) => aPod({ container: { command: ['sh', '-c', script], ...container } });

const container = () => (bench.last?.containerStatuses as { restartCount: number; state: Record<string, Record<string, unknown>> }[])[0];
const ready = () => bench.last?.conditions.find(({ type }) => type === 'Ready')?.status;
const untilReady = async () => {
  await eventually(() => {
    expect(ready()).toBe('True');
  });
};
const theOne = async () =>
  await eventually(() => {
    const [pid, ...others] = bench.leaders();
    expect(others).toEqual([]);
    return expectNumber(pid);
  });
const expectNumber = (value: number | undefined) => {
  expect(value).toBeTypeOf('number');
  return value ?? 0;
};
const dial = async (from: string, to: string) =>
  await runCommand([process.execPath, '-e', `require('net').connect(7000, '${to}').on('data', (data) => process.stdout.write(data))`], {
    place: { netns: from },
  });

test('a pod gets an address of its own, is reached there with the client’s source, and becomes ready by its probe', async () => {
  bench.run(echo());
  await untilReady();
  expect(bench.last).toMatchObject({ phase: 'Running', podIP: '10.77.21.2', hostIP: '10.77.1.11' });
  expect(bench.statuses[0]).toMatchObject({ phase: 'Pending' });
  expect(readFileSync(bench.log(), 'utf8')).toBe('I am web-1 at 10.77.21.2\n');
  expect(await dial(bench.beside, '10.77.21.2')).toBe('10.77.1.1');
  expect(await bench.podNamespaces()).toEqual(['tpods-p-n1-2']);
  expect(await runCommand(['ip', '-n', 'tpods-p-n1-2', 'link', 'show', 'lo'])).toContain('alias holdfast-lab-tpods');
  expect(await runCommand(['ip', '-n', bench.node, '-4', 'addr', 'show', 'dev', 'p2'])).toBe('');
  expect(await dial('tpods-p-n1-2', 'fd77:0:0:15::2')).toBe('fd77:0:0:15::2');
});

test('what a pod sends masqueraded leaves the node with the address of its uplink', async () => {
  const rule = 'table ip t {\n chain c {\n type nat hook postrouting priority srcnat;\n oifname "eth0" masquerade\n }\n}\n';
  await runCommand(['nft', '-f', '-'], { place: { netns: bench.node }, input: rule });
  bench.run(echo());
  await untilReady();
  const beside = runCommand([process.execPath, '-e', echoing('process.stdout.write')], {
    place: { netns: bench.beside },
    timeoutMs: 20_000,
  });
  const pinging = eventually(async () => {
    const script = `require('net').connect(7000, '10.77.1.1').on('data', () => undefined)`;
    await runCommand([process.execPath, '-e', `${script}.on('connect', () => setTimeout(process.exit, 200))`], {
      place: { netns: 'tpods-p-n1-2' },
    });
  });
  await pinging;
  await runCommand(['sh', '-c', 'kill -TERM $(ip netns pids tpods-beside)']);
  expect(await beside).toContain('10.77.1.11');
});

test('in the node’s own namespace it has the node’s address', async () => {
  bench.run(aPod({ container: echoContainer(), spec: { nodeName: 'n1', hostNetwork: true, containers: [echoContainer()] } }));
  await untilReady();
  expect(bench.last).toMatchObject({ podIP: '10.77.1.11', hostIP: '10.77.1.11' });
  expect(await bench.podNamespaces()).toEqual([]);
  expect(await dial(bench.beside, '10.77.1.11')).toBe('10.77.1.1');
});
const echoContainer = () => (echo().spec as { containers: object[] }).containers[0] ?? {};

test('probes by command and by HTTP see what the pod’s own network answers', async () => {
  const http = `require('http').createServer((_, answer) => { answer.statusCode = require('fs').existsSync('${bench.folder}/ok') ? 200 : 503; answer.end(); }).listen(80)`;
  bench.run(
    aPod({
      container: {
        command: [process.execPath, '-e', http],
        readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 1 },
      },
    }),
  );
  await theOne();
  expect(ready()).toBe('False');
  writeFileSync(join(bench.folder, 'ok'), '');
  await untilReady();
});

test('a probe by command runs beside the process, with its variables', async () => {
  bench.run(
    shell('exec sleep 1000', {
      env: [{ name: 'WHERE', value: 'pod' }],
      readinessProbe: { exec: { command: ['sh', '-c', 'test "$WHERE" = pod && ip -br addr | grep -q 10.77.21.2'] }, periodSeconds: 1 },
    }),
  );
  await untilReady();
});

test('what crashes is started again: at once, then after a while, and counted', async () => {
  bench.run(shell('exit 3'));
  await eventually(() => {
    expect(container()).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 3 } },
    });
  });
  await eventually(() => {
    expect(container()?.restartCount).toBeGreaterThan(1);
  });
});

test('a command that does not exist is told in the pod’s log', async () => {
  bench.run(aPod({ container: { command: ['/no/such/program'] } }));
  await eventually(() => {
    expect(container()).toMatchObject({ lastState: { terminated: { exitCode: 127 } } });
    expect(readFileSync(bench.log(), 'utf8')).toContain('/no/such/program');
  });
});

test('told to end, it stays ready through preStop and ends well on SIGTERM; then its namespace goes', async () => {
  bench.run(
    echo({ lifecycle: { preStop: { exec: { command: ['sh', '-c', `while ! test -e ${bench.folder}/go; do sleep 0.05; done`] } } } }),
  );
  await untilReady();
  bench.tell({ end: 30 });
  await eventually(() => {
    expect(bench.said).toContain('is ended, within 30 s');
  });
  expect(await dial(bench.beside, '10.77.21.2')).toBe('10.77.1.1');
  expect(ready()).toBe('True');
  writeFileSync(join(bench.folder, 'go'), '');
  await eventually(() => {
    expect(bench.isOver).toBe(true);
  });
  expect(bench.last).toMatchObject({ phase: 'Succeeded' });
  expect(ready()).toBe('False');
  bench.tell({ clear: true });
  await eventually(() => {
    expect(bench.isCleared).toBe(true);
  });
  expect(await bench.podNamespaces()).toEqual([]);
  expect(readdirSync(join(bench.folder, 'records'))).toEqual([]);
});

test('what does not end is killed after its grace, and a shorter grace counts from when it is given', async () => {
  bench.run(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"));
  await eventually(() => {
    expect(readFileSync(bench.log(), 'utf8')).toBe('up\n');
  });
  bench.tell({ end: 600 });
  await eventually(() => {
    expect(bench.said).toContain('is ended');
  });
  expect(bench.leaders()).toHaveLength(1);
  bench.tell({ end: 0 });
  await eventually(() => {
    expect(bench.isOver).toBe(true);
  });
  expect(container()?.state).toMatchObject({ terminated: { exitCode: 137 } });
});

test('with its main process everything of the pod ends, also what left its session', async () => {
  bench.run(shell(`setsid sleep 1000 & echo $! > ${bench.folder}/child; trap 'exit 0' TERM; while :; do sleep 0.05; done`));
  const child = await eventually(() => {
    const pid = Number(readFileSync(join(bench.folder, 'child'), 'utf8'));
    expect(identityOf(pid)).not.toBeNull();
    return pid;
  });
  bench.tell({ end: 10 });
  await eventually(() => {
    expect(bench.isOver).toBe(true);
  });
  expect(identityOf(child)).toBeNull();
});

test('kill -9 leaves the pod running, and who comes after goes on with the very same process', async () => {
  bench.run(echo());
  await untilReady();
  const pid = await theOne();
  await bench.kill();
  expect(await dial(bench.beside, '10.77.21.2')).toBe('10.77.1.1');
  bench.statuses.length = 0;
  bench.run(echo());
  await untilReady();
  expect(bench.statuses.map(({ conditions }) => conditions.find(({ type }) => type === 'Ready')?.status)).toEqual(['True']);
  expect(container()).toMatchObject({ restartCount: 0 });
  expect(bench.leaders()).toEqual([pid]);
  bench.tell({ end: 5 });
  await eventually(() => {
    expect(bench.isOver).toBe(true);
  });
  expect(bench.leaders()).toEqual([]);
});

test('killed before it could write down which process it started, it is still followed by nobody who starts another', async () => {
  bench.run(shell('exec sleep 1000'));
  const pid = await theOne();
  await bench.kill();
  const record = join(bench.folder, 'records', 'u-1.json');
  writeFileSync(record, JSON.stringify({ ...(JSON.parse(readFileSync(record, 'utf8')) as object), process: null }));
  bench.run(shell('exec sleep 1000'));
  await untilReady();
  expect(bench.leaders()).toEqual([pid]);
});

test('a pod that is found deleted by who comes after its kubelet ends as any other: preStop, then SIGTERM', async () => {
  const pod = shell(`trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done`, {
    lifecycle: { preStop: { exec: { command: ['sh', '-c', `echo >${bench.folder}/stopping`] } } },
  });
  bench.run(pod);
  await eventually(() => {
    expect(readFileSync(bench.log(), 'utf8')).toBe('up\n');
  });
  await bench.kill();
  bench.run(pod);
  bench.tell({ end: 600 });
  await eventually(() => {
    expect(bench.isOver).toBe(true);
  });
  expect(readFileSync(bench.log(), 'utf8')).toBe('up\nasked\n');
  expect(readdirSync(bench.folder)).toContain('stopping');
});

test('a probe’s command that outlives its kubelet is not taken for the pod’s process', async () => {
  // Kubernetes reads $$ as a $ of one's own.
  const pod = shell(`echo $$$$ >>${bench.folder}/main; exec sleep 1000`, {
    readinessProbe: { exec: { command: ['sh', '-c', `echo $$$$ >>${bench.folder}/probe; exec sleep 1000`] }, timeoutSeconds: 1_000 },
  });
  const pids = (name: string) => readFileSync(join(bench.folder, name), 'utf8').trim().split('\n').map(Number);
  bench.run(pod);
  const [main = 0, probe = 0] = await eventually(() => [pids('main')[0], pids('probe')[0]]);
  await bench.kill();
  process.kill(main, 'SIGKILL');
  bench.run(pod);
  await eventually(() => {
    expect(pids('main')).toHaveLength(2);
  });
  expect(identityOf(probe)).toBeNull();
});

test('what died while nobody looked is started again, and counted', async () => {
  bench.run(shell('exec sleep 1000'));
  const pid = await theOne();
  await bench.kill();
  process.kill(pid, 'SIGKILL');
  await eventually(() => {
    expect(identityOf(pid)).toBeNull();
  });
  bench.run(shell('exec sleep 1000'));
  await eventually(() => {
    expect(container()).toMatchObject({ restartCount: 1, lastState: { terminated: { reason: 'ContainerStatusUnknown' } } });
  });
  await theOne();
});

test('killed at any instant and succeeded at once, it never has two processes', async () => {
  for (let round = 0; round < 12; round += 1) {
    bench.run(shell('exec sleep 1000'));
    // The instant is what is tested, not how long anything takes.
    await sleep(150 + round * 20);
    expect(bench.leaders().length).toBeLessThan(2);
    await bench.kill();
  }
  bench.run(shell('exec sleep 1000'));
  await theOne();
  expect(await bench.podNamespaces()).toHaveLength(1);
});
