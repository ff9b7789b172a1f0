// MetalLB as it was: with each older version that a lab may choose, every VIP answers by every node, the speakers' own status is read, they
// give the reason that Holdfast works out, and `verify` finds no difference. Outside CI, whose set-up would take minutes more.
//
//   sh deploy/lab/programs/build.sh 0.15.3
//   node test/support/in-lab-host.ts node test/safety/older-metallb.ts
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PathRow } from '../../src/analysis/path-verdicts.ts';
import { EXCLUDE_LABEL } from '../../src/cluster/intent/intent.ts';
import { RESOURCES } from '../../src/cluster/kube-client.ts';
import { METALLB_VERSIONS } from '../../src/core/environment.ts';
import { readRecords, recordsFolder } from '../../src/lab/kubelet/pod-records.ts';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import type { ComparedVip } from '../../src/report/terminal/intent-wire.ts';
import { CLUSTER_LAB_FILE } from '../support/a-cluster-lab.ts';
import { hopsTo, LAB_UID } from '../support/a-lab.ts';
import { systemClient } from '../support/cluster-objects.ts';
import { eventually } from '../support/eventually.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = 'hfold';
const ALL = ['n1', 'n2', 'n3'];
const OTHERS = ['n1', 'n3'];

for (const version of METALLB_VERSIONS.slice(1)) await tryVersion(version);

async function tryVersion(version: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-older-'));
  const file = join(folder, 'lab.yaml');
  writeFileSync(file, readFileSync(CLUSTER_LAB_FILE, 'utf8').replace('backend: native', `backend: native\n    metallb: ${version}`));
  await holdfast(['lab', 'down', '--prefix', PREFIX]); // what a killed test left
  try {
    const startedMs = performance.now();
    const up = await holdfast(['lab', 'up', file, '--prefix', PREFIX]);
    assert.equal(up.code, 0, up.stderr);
    process.stdout.write(`MetalLB ${version}: up after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`);
    const lab = openLab(PREFIX, LAB_UID);
    for (const node of ALL) assert.match(readlinkSync(`/proc/${String(speakerOf(lab, node).pid)}/exe`), new RegExp(`/metallb-${version}-`));
    await untilHops(lab, ALL);
    for (const { vip, rows } of await verified(file)) {
      for (const row of rows) assert.deepEqual(layers(row), { intended: 'yes', announcedTo: ['tor'], router: [true], isSeen: true }, vip);
      const [{ configuration, sessions } = { configuration: null, sessions: [] }] = rows.flatMap(({ status }) => status ?? []);
      process.stdout.write(
        `${vip}: ServiceBGPStatus on ${rows.map(({ node }) => node).join(' ')}, ConfigurationState ${configuration ?? 'absent'}, ` +
          `BGPSessionState ${sessions[0]?.state ?? 'absent'}\n`,
      );
    }
    await excluded(lab, file);
  } finally {
    await holdfast(['lab', 'down', '--prefix', PREFIX]);
    rmSync(folder, { recursive: true });
  }
}

/** With the label on n2: Holdfast and the speaker itself name the same reason, and the wire is as intended. */
async function excluded(lab: Lab, file: string): Promise<void> {
  await using client = await systemClient(lab);
  const n2 = { resource: RESOURCES.nodes, name: 'n2' };
  const body = { metadata: { labels: { [EXCLUDE_LABEL]: '' } } };
  await client.patch(n2, { kind: 'merge', body }, {}, AbortSignal.timeout(20_000));
  await untilHops(lab, OTHERS);
  for (const { vip, rows } of await verified(file)) {
    const row = rows.find(({ node }) => node === 'n2');
    assert.ok(row);
    const reason = 'nodeLabeledExcludeBalancers';
    assert.deepEqual(layers(row), { intended: reason, announcedTo: [], router: [false], isSeen: false }, vip);
    assert.match(speakerOf(lab, 'n2').log, new RegExp(`"serviceWithdrawn".*"reason":"${reason}"`));
    process.stdout.write(`${vip}: n2 is silent, ${reason} by the objects and by its speaker\n`);
  }
}

async function untilHops(lab: Lab, nodes: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const { name } of lab.environment.vips) assert.deepEqual((await hopsTo(lab, name)).toSorted(), nodes);
  }, 60_000);
}

/** Holds flows and compares; throws unless all layers agree. */
async function verified(file: string): Promise<{ vip: string; rows: PathRow[] }[]> {
  const { code, stdout, stderr } = await holdfast([
    'verify',
    '--env',
    file,
    '--prefix',
    PREFIX,
    '--flows',
    '32',
    '--out',
    join(dirname(file), randomUUID()),
    '--json',
  ]);
  assert.equal(code, 0, stderr + stdout);
  const { vips } = JSON.parse(stdout) as { vips: ComparedVip[] };
  return vips.map(({ vip, wire }) => ({ vip: vip.name, rows: [...(wire.parts.at(-1)?.rows ?? [])] }));
}

function layers({ intended, status, routers, flows }: PathRow): object {
  return {
    intended: intended?.advertises === true ? 'yes' : intended?.reason,
    announcedTo: status?.announcedTo,
    router: routers.map(({ has }) => has),
    isSeen: flows.every(({ seen }) => seen > 0),
  };
}

/** The process of a node's speaker, as the lab's kubelet noted it, and what it logged. */
function speakerOf({ stateFolder }: Lab, node: string): { pid: number; log: string } {
  const folder = recordsFolder(stateFolder, node);
  const speaker = readRecords(folder).find(({ name }) => name.startsWith('speaker-'));
  assert.ok(speaker?.process, `no speaker runs on ${node}`);
  const log = join(stateFolder, 'pods', `${speaker.namespace}_${speaker.name}.log`);
  return { pid: speaker.process.pid, log: readFileSync(log, 'utf8') };
}
