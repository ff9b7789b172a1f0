// Runs without a fault, again and again: whatever breaks in one of them, Holdfast broke or imagined itself.
//
//   npm run safety, or: node test/safety/controls.ts COUNT
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowOutcome, Report } from '../../src/core/report-format.ts';
import { holdfast } from '../support/holdfast.ts';

const PREFIX = 'hfctl';
const ENVIRONMENT = 'deploy/lab/three-nodes.yaml';

/** What one run came to. */
export type Control = { exitCode: number | null; verdict: Report['verdict'] | null; flows: number; broken: number; said: string };

/** `count` runs of `scenarios/control.yaml`, one after the other, in one lab that is gone at the end. */
export async function runControls(count: number, onControl: (control: Control) => void = () => undefined): Promise<Control[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-controls-'));
  const controls: Control[] = [];
  try {
    const up = await holdfast(['lab', 'up', ENVIRONMENT, '--prefix', PREFIX]);
    if (up.code !== 0) throw new Error(`the lab is not up: ${up.stderr}`);
    for (let number = 1; number <= count; number += 1) {
      const out = join(folder, String(number));
      const { code, stdout, stderr } = await holdfast([
        'run',
        'scenarios/control.yaml',
        ...['--env', ENVIRONMENT, '--prefix', PREFIX, '--out', out, '--seed', String(number)],
      ]);
      const control = { exitCode: code, ...read(out), said: stdout + stderr };
      controls.push(control);
      onControl(control);
    }
    return controls;
  } finally {
    await holdfast(['lab', 'down', '--prefix', PREFIX]);
    rmSync(folder, { recursive: true });
  }
}

function read(out: string): Pick<Control, 'verdict' | 'flows' | 'broken'> {
  try {
    const { verdict } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report;
    const lines = readFileSync(join(out, 'flows.ndjson'), 'utf8').split('\n');
    const flows = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FlowOutcome);
    return { verdict, flows: flows.length, broken: flows.filter(({ broken }) => broken).length };
  } catch {
    return { verdict: null, flows: 0, broken: 0 }; // it never came to a report: the exit code and what was said tell why
  }
}

async function main(count: number): Promise<void> {
  if (!(count > 0)) throw new Error('node test/safety/controls.ts COUNT');
  const controls = await runControls(count, ({ exitCode, verdict, flows, broken, said }) => {
    process.stdout.write(
      `control: ${verdict ?? 'no report'}, ${String(broken)} of ${String(flows)} flows broken\n${exitCode === 0 ? '' : said}`,
    );
  });
  const held = controls.filter(({ exitCode, verdict, broken }) => exitCode === 0 && verdict === 'held' && broken === 0).length;
  const flows = controls.reduce((sum, control) => sum + control.flows, 0);
  process.stdout.write(`control: held without a break ${String(held)} times of ${String(count)}, ${String(flows)} flows in all\n`);
  process.exitCode = held === count ? 0 : 1;
}

if (import.meta.main) await main(Number(process.argv[2]));
