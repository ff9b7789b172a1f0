// A run on a lab while a capture stands on the uplink of every node, and before every pod where the lab has pods.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readCapture } from './captured-packets.ts';
import { type Conversation, conversationsOf } from './conversations.ts';
import { NatTwins } from './nat-twins.ts';
import { readRun, type RunFiles, wasProberIll } from './run-files.ts';

type LabStatus = {
  members: { name: string; role: string; uplink: string | null }[];
  vips: { address: string }[];
};

export type RecordedRun = {
  exitCode: number;
  /** The run's own files. */ folder: string;
  run: RunFiles & { seesPods: boolean };
  conversations: Map<string, Conversation[]>;
  packets: number;
};

/**
 * The wall clock may be slewed during a run, not stepped. Two clocks are read one after the other, and a busy machine may pause between:
 * what stays below the oracle's own tolerance at edges (25 ms) changes no judgement.
 */
const LARGEST_STRAY_MS = 20;

/** Exit codes of runs that were judged. */
const FINISHED = new Set([0, 1, 3]);

/** A machine that is too busy to probe cannot show what the report says when it is not. */
const MOST_RECORDINGS = 3;

type ToRecord = { scenario: string; environment: string; prefix: string; folder: string; pods?: readonly PodToCapture[] };

/** A responder in a namespace of its own; `port` is the node's interface towards it. */
export type PodToCapture = { name: string; node: string; port: string; address: string };

/**
 * Carries out a scenario on the lab `prefix`, which is up, and reads the packets of all its nodes. A run whose prober was ill is
 * carried out again, up to `MOST_RECORDINGS` times in all; the last one is returned as it is.
 * @param about.folder an empty one: gets the captures, and the runs' files in folders of their own
 * @throws Error when a capture proves nothing
 */
export async function recordRun(about: ToRecord): Promise<RecordedRun> {
  for (let attempt = 1; ; attempt += 1) {
    const recorded = await recordOnce(about, join(about.folder, `run-${String(attempt)}`));
    if (recorded !== null && (attempt === MOST_RECORDINGS || !wasProberIll(recorded.folder))) return recorded;
    if (attempt === MOST_RECORDINGS) throw new Error('the prober was too ill in every run: this machine is too busy');
    process.stderr.write('the prober was ill, this machine is busy: recording the run again\n');
  }
}

/** Null when the run was broken off while its prober was ill, as runs are. */
async function recordOnce({ scenario, environment, prefix, folder, pods = [] }: ToRecord, runFolder: string): Promise<RecordedRun | null> {
  const status = JSON.parse((await holdfast(['lab', 'status', '--json', '--prefix', prefix])).stdout) as LabStatus;
  const vips = status.vips.map((vip) => vip.address);
  const nodes = status.members.filter((member) => member.role === 'node');
  const places: Place[] = [
    ...nodes.map(({ name, uplink }) => ({ node: name, of: name, interface: uplink ?? '', addresses: vips })),
    ...pods.map(({ name, node, port, address }) => ({ node, of: name, interface: port, addresses: [address] })),
  ];
  const captures = await Promise.all(places.map((place) => startCapture(place, prefix, join(folder, `${place.of}.cap`))));
  const ran = await holdfast(['run', scenario, '--env', environment, '--probes', 'probes', '--prefix', prefix, '--out', runFolder]);
  await Promise.all(captures.map(endCapture));
  if (!FINISHED.has(ran.code) && wasProberIll(runFolder)) return null;
  if (!FINISHED.has(ran.code)) throw new Error(`the run ended with ${String(ran.code)}: ${ran.stdout}`);
  const run = readRun(runFolder);
  const read = captures.map(({ place, path }) => ({ of: place.of, ...readCapture(path, new Set(place.addresses)) }));
  for (const { of, clockStrayMs } of read) {
    if (clockStrayMs > LARGEST_STRAY_MS)
      throw new Error(`the wall clock of ${of} was stepped by ${String(clockStrayMs)} ms during the run`);
  }
  const byNodes = read.slice(0, nodes.length).map(({ of, packets }) => ({ node: of, packets }));
  const byPods = read.slice(nodes.length).map(({ of, packets }) => ({ pod: of, packets }));
  return {
    exitCode: ran.code,
    folder: runFolder,
    run: { ...run, seesPods: pods.length > 0 },
    conversations: conversationsOf(byNodes, run.wallClockMs, pods.length > 0 ? new NatTwins(byPods) : null),
    packets: read.reduce((sum, { packets }) => sum + packets.length, 0),
  };
}

/** Where a capture stands: an interface of a node. */
type Place = { node: string; of: string; interface: string; addresses: readonly string[] };
type RunningCapture = { place: Place; path: string; child: ChildProcess };

async function startCapture(place: Place, prefix: string, path: string): Promise<RunningCapture> {
  const { node, addresses } = place;
  const program = ['python3', 'test/truth/capture.py', place.interface, path, ...addresses];
  const child = start(['lab', 'exec', '--prefix', prefix, node, '--', ...program]);
  if (!child.stdout) throw new Error('started without standard output');
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'close')])) as unknown[];
  if (line !== 'ready') throw new Error(`the capture of ${place.of} did not start`);
  return { place, path, child };
}

async function endCapture({ child }: RunningCapture): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null) await once(child, 'close');
}

async function holdfast(args: readonly string[]): Promise<{ code: number; stdout: string }> {
  const child = start(args);
  child.stdin?.end();
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? -1, stdout };
}

/** The program as people start it; what it complains of belongs into the test's output. */
function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['src/cli/main.ts', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  });
}
