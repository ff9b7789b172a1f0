// Runs one pod as the kubelet's stand-in does, without an API server: told what to do on standard input, telling what it sees on standard output.
//
//   nsenter --net=/run/netns/NODE node test/support/a-pod-host.ts PREFIX FOLDER
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../src/cluster/kube-client.ts';
import { readRecords } from '../../src/lab/kubelet/pod-records.ts';
import { PodRunner } from '../../src/lab/kubelet/pod-runner.ts';
import { readPod } from '../../src/lab/kubelet/pod.ts';

export type ToPodHost = { run: KubeObject } | { end: number } | { clear: true };

const [prefix = '', folder = ''] = process.argv.slice(2);
const recordsFolder = join(folder, 'records');
mkdirSync(recordsFolder, { recursive: true });
const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
let runner: PodRunner | null = null;

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line) as ToPodHost;
  if ('run' in order) run(order.run);
  else if ('end' in order) runner?.end(order.end);
  else void runner?.clear().then(() => say({ cleared: true }));
});

function run(pod: KubeObject): void {
  const reading = readPod(pod);
  if (reading.kind === 'refused') throw new Error(reading.why);
  const host = {
    prefix,
    node: { name: 'n1', addresses: ['10.77.1.11'], podCidrs: ['10.77.21.0/24', 'fd77:0:0:15::/64'] },
    recordsFolder,
    logFolder: join(folder, 'pods'),
    machine: { PATH: process.env.PATH ?? '' },
    slots: { taken: new Set<number>(), last: 0 },
    log: (text: string) => process.stderr.write(`${text}\n`),
  };
  const predecessor = readRecords(recordsFolder).find(({ uid }) => uid === reading.plan.uid) ?? null;
  runner = new PodRunner(reading.plan, host, { predecessor, onStatus: (status) => say({ status }) });
  void runner.over.then(() => say({ over: true }));
}
