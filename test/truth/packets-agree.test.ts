// Real runs on a real lab, judged by the packets that passed every node: the report says of each flow what the wire says.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from '../support/holdfast.ts';
import { judge } from './oracle.ts';
import { type RecordedRun, recordRun } from './recorded-run.ts';
import { type Line, readFindings } from './run-files.ts';

const PREFIX = 'hftruth';
const ENVIRONMENT = 'deploy/lab/quick.yaml';
/** Flows at an edge within what packets can tell, or left in doubt: more than these would make the judgement soft. */
const LARGEST_BORDERLINE_SHARE = 0.02;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-truth-'));
  const up = await holdfast(['lab', 'up', ENVIRONMENT, '--prefix', PREFIX]);
  expect(up.code, up.stderr).toBe(0);
});
afterAll(async () => {
  await holdfast(['lab', 'down', '--prefix', PREFIX]);
  rmSync(folder, { recursive: true });
});

describe.each([
  { what: 'a BGP session drops (the demo)', scenario: 'scenarios/bgp-session-drop.yaml', causes: ['reset'] },
  { what: 'a node is drained (the demo)', scenario: 'scenarios/node-drain.yaml', causes: ['reset'] },
  { what: 'a node goes dark', scenario: 'test/truth/scenarios/node-down.yaml', causes: ['stalled'] },
  { what: 'IPv6 and Cluster', scenario: 'test/truth/scenarios/both-families-both-policies.yaml', causes: ['reset'] },
])('$what', ({ scenario, causes }) => {
  let recorded: RecordedRun;
  let lines: Line[];
  beforeAll(async () => {
    const own = join(folder, scenario.replaceAll('/', '-'));
    mkdirSync(own);
    recorded = await recordRun({ scenario, environment: ENVIRONMENT, prefix: PREFIX, folder: own });
    lines = readFindings(recorded.folder);
  });
  const judged = (findings: Line[]) => judge(recorded.conversations, recorded.run, findings);

  it('of every flow the report says what the packets say: where it came in before and after, whether it broke, and why', () => {
    const { disagreements, agreed, borderline, inDoubt } = judged(lines);
    expect(disagreements).toEqual([]);
    expect(agreed).toBe(lines.length);
    expect(borderline + inDoubt).toBeLessThanOrEqual(LARGEST_BORDERLINE_SHARE * lines.length);
    // It was about something: every window, flows that broke as they had to, flows that moved and lived.
    expect(new Set(lines.map((line) => line.event))).toEqual(new Set([0, 1, 2]));
    for (const cause of causes) expect(lines.some((line) => line.breakCause === cause)).toBe(true);
    expect(lines.some((line) => !line.broken && line.ingressAfter !== line.ingressBefore)).toBe(true);
  });

  it('findings that are wrong of a single flow, in any one thing, would be noticed', () => {
    const other = (node: string | null) => (node === 'n1' ? 'n2' : 'n1');
    const mistakes: Record<string, (line: Line) => Line> = {
      'another ingress before': (line) => ({ ...line, ingressBefore: other(line.ingressBefore) }),
      'another ingress after': (line) => ({ ...line, ingressAfter: other(line.ingressAfter) }),
      'no ingress after': (line) => ({ ...line, ingressAfter: line.ingressAfter === null ? 'n1' : null }),
      'broken or not': (line) => ({ ...line, broken: !line.broken }),
      'another cause': (line) => ({ ...line, breakCause: line.breakCause === 'reset' ? 'stalled' : 'reset' }),
    };
    const clear = lines.filter(({ blame }) => blame !== 'prober');
    for (const [mistake, plant] of Object.entries(mistakes)) {
      // Planted in all lines at once: each of them must be told by itself, as must those that are left out since they claim nothing.
      expect(judged(clear.map(plant)).disagreements, mistake).toHaveLength(lines.length);
    }
  });

  it('a flow that is left out, told twice or made up would be noticed', () => {
    const one = clearlyBroken(lines, recorded.run);
    expect(judged(lines.filter((line) => line !== one)).disagreements).toMatchObject([{ event: one.event, says: 'no line' }]);
    expect(judged([...lines, one]).disagreements).toMatchObject([{ because: 'a second line' }]);
    expect(judged([...lines, { ...one, sourcePort: 1 }]).disagreements).toMatchObject([{ packets: 'no such flow' }]);
  });
});

/** The broken flow whose onset is farthest from every edge: right at one, packets cannot tell whether it belongs before or after. */
function clearlyBroken(lines: Line[], { windows }: RecordedRun['run']): Line {
  const edges = windows.flatMap(({ fromT, untilT }) => [fromT, untilT]);
  const distance = (line: Line) =>
    Math.min(...edges.map((edge) => Math.abs(edge - ((line as Line & { onsetT: number | null }).onsetT ?? edge))));
  const [farthest] = lines.filter((line) => line.broken).toSorted((a, b) => distance(b) - distance(a));
  if (!farthest) throw new Error('nothing broke');
  return farthest;
}
