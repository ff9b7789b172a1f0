import { expect, test } from 'vitest';
import type { SettledPart } from '../../src/analysis/intent-wire.ts';
import type { PathRow } from '../../src/analysis/path-verdicts.ts';
import { type ComparedVip, intentWireText } from '../../src/report/terminal/intent-wire.ts';
import { widthOf } from '../../src/report/terminal/paint.ts';

const VIP = {
  name: 'web',
  address: '10.77.10.1',
  family: 4,
  port: 7000,
  policy: 'local',
  service: { namespace: 'default', name: 'web' },
} as const;

function row(node: string, { reason = null as string | null, has = true, seen = 30 } = {}): PathRow {
  return {
    node,
    intended: { advertises: reason === null, reason },
    status: { node, announcedTo: reason === null ? ['tor'] : [], configuration: 'Valid', error: null, sessions: [] },
    routers: [{ router: 'tor', has, should: reason === null }],
    elsewhere: [],
    excuse: null,
    speaker: null,
    sessions: [],
    flows: ['v1', 'v2'].map((vantage) => ({ vantage, seen, of: 88 })),
  };
}

function compared(part: Partial<SettledPart>, more: Partial<ComparedVip> = {}): ComparedVip {
  const whole = { fromT: 8_100, untilT: 15_000, rows: [], findings: [], doubts: [], ...part };
  return { vip: VIP, wire: { vip: 'web', parts: [whole], unjudged: null, isBlind: false }, differences: [], verdict: 'held', ...more };
}

test('a table says of each node what each layer says, in 80 columns', () => {
  const rows = [row('n1'), row('n2'), row('n3', { reason: 'noLocalEndpoints', has: false, seen: 0 })];
  expect(intentWireText([compared({ rows })], 'held', { width: 80, colour: false })).toBe(`✔ held
The wire is as the cluster intends: web.

✔ web · 10.77.10.1 port 7000 · Local · Service default/web
   node  intended              MetalLB says      tor has  flows seen  flows seen
                                                            v1 of 88    v2 of 88
✔  n1    yes                   announced to tor  yes              30          30
✔  n2    yes                   announced to tor  yes              30          30
✔  n3    no: noLocalEndpoints  no                no                0           0
         (no endpoint serves
         on the node, and the
         policy is Local)
`);
});

test('where a node is not to tell every router, the table says whom it is to tell', () => {
  const peers = [{ name: 'b1', address: '10.1.0.1' }];
  const routers = [
    { router: 'r1', has: true, should: true },
    { router: 'r2', has: false, should: false },
  ];
  const rack: PathRow = { ...row('n1'), intended: { advertises: true, reason: null, peers }, routers };
  const text = intentWireText([compared({ rows: [rack] })], 'held', { width: 100, colour: false });
  expect(text).toMatch(/^✔ {2}n1 +yes, to b1 +announced to tor +yes +no /m);
});

test('a difference is marked on its node, told in a sentence with where to look, and leads the answer', () => {
  const difference = {
    kind: 'missing',
    node: 'n2',
    claim: 'n2 should advertise web, and tor has no path by it',
    what: 'n2 should advertise web, and tor has no path by it.',
    look: 'the session',
  } as const;
  const text = intentWireText(
    [
      compared(
        { rows: [row('n1'), row('n2', { has: false })], findings: [{ kind: 'missing', node: 'n2', by: 'router', router: 'tor' }] },
        { differences: [difference], verdict: 'deviated' },
      ),
    ],
    'deviated',
    { width: 80, colour: false },
  );
  expect(text).toContain('The wire is not what the cluster intends. web: missing path n2.');
  expect(text).toMatch(/^✔ {2}n1 .*\n✘ {2}n2 .* no /m);
  expect(text).toContain('  ✘ missing path n2: n2 should advertise web, and tor has no path by it.\n    Look at: the session.\n');
});

test('unknown is shown as unknown, and what was not judged says why', () => {
  const unknown: PathRow = { ...row('n1'), intended: null, status: null, routers: [] };
  const text = intentWireText(
    [compared({ rows: [unknown], doubts: [{ node: null, text: 'too few' }] }, { verdict: 'inconclusive' })],
    'inconclusive',
    {
      width: 80,
      colour: false,
    },
  );
  expect(text).toMatch(/^\? {2}n1 +unknown +unknown +unknown /m);
  expect(text).toContain('  ? too few');
  const nothing = {
    vip: VIP,
    wire: { vip: 'web', parts: [], unjudged: 'nobody told what the cluster intends', isBlind: false },
    differences: [],
  };
  expect(intentWireText([{ ...nothing, verdict: 'inconclusive' }], 'inconclusive', { width: 80, colour: false })).toContain(
    '? nobody told what the cluster intends',
  );
});

test('a name cannot steer the terminal, and colour only repeats what a mark says', () => {
  const vip = compared({ rows: [row('n\u001b[2J1')] });
  const plain = intentWireText([vip], 'held', { width: 100, colour: false });
  expect(plain).not.toContain('\u001b');
  const painted = intentWireText([vip], 'held', { width: 100, colour: true });
  expect(painted.split('\n').map(widthOf)).toEqual(plain.split('\n').map(widthOf));
});

test('the wire is as intended only where that was judged, of at least one VIP, and held', () => {
  const style = { width: 80, colour: false };
  const unknown = 'Not enough was seen to tell whether the wire is as intended.';
  expect(intentWireText([], 'inconclusive', style)).toContain(unknown);
  expect(intentWireText([], 'held', style)).toContain(unknown);
  expect(intentWireText([compared({ rows: [row('n1')] })], 'errored', style)).toContain(unknown);
});

test('a node in doubt is marked as such, whatever the doubt is', () => {
  const doubts = [{ node: 'n2', text: 'its speaker refuses its configuration' }];
  const text = intentWireText([compared({ rows: [row('n1'), row('n2')], doubts })], 'inconclusive', { width: 80, colour: false });
  expect(text).toMatch(/^✔ {2}n1 .*\n\? {2}n2 /m);
});
