import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.ts';
import type { PeriodSpec, RuleSpec } from '../../../src/core/service-file.ts';
import { type Book, bookOf, FLAP_MS, nextTickMs, takeFinding, tick, type Turn } from '../../../src/service/alerts/decide.ts';
import { nodesOf } from '../../../src/service/alerts/matching.ts';
import { turnNotification } from '../../../src/service/alerts/notifications.ts';
import { aFinding, aPeriod, aRule, aSetChange, resolved } from './support/a-finding.ts';

const START_MS = Date.parse('2026-11-22T21:00:00Z');

/** Alerts under a clock that the test steps. */
class Desk {
  book: Book = bookOf([]);
  nowMs = START_MS;
  readonly turns: Turn[] = [];
  readonly #rules: readonly RuleSpec[];
  readonly #periods: readonly PeriodSpec[];

  constructor(rules: readonly RuleSpec[] = [aRule()], periods: readonly PeriodSpec[] = []) {
    this.#rules = rules;
    this.#periods = periods;
  }

  take(...findings: Finding[]): this {
    for (const finding of findings) {
      const nodes = nodesOf(finding, (_environment, text) => (/^n\d$/.test(text) ? text : null));
      this.book = takeFinding(this.book, { finding, nodes }, this.#about());
    }
    return this.after(0);
  }

  after(ms: number): this {
    this.nowMs += ms;
    const ticked = tick(this.book, this.#about());
    this.book = ticked.book;
    this.turns.push(...ticked.turns);
    return this;
  }

  told(): string[] {
    return this.turns.map(({ type }) => type.replace('alert.', ''));
  }

  last() {
    const turn = this.turns.at(-1);
    if (!turn) throw new Error('nothing was told');
    return turnNotification(turn);
  }

  #about() {
    return { rules: this.#rules, periods: this.#periods, now: { steadyMs: this.nowMs, wallMs: this.nowMs } };
  }
}

test('an alert gathers for its wait, is told once, and once more when all of it is over', () => {
  const desk = new Desk();
  const [first, second] = [
    aFinding({ id: 'a' }),
    aFinding({ id: 'b', kind: 'path-dead', severity: 'warn', sentence: 'n2 does not answer.' }),
  ];
  desk.take(first).take(second);
  expect(desk.told()).toEqual([]);
  expect(desk.after(1_000).told()).toEqual(['opened']);
  expect(desk.last()).toMatchObject({
    severity: 'page',
    vip: 'web',
    kind: 'vip-down',
    sentence: 'No path of web answers. (and 1 more finding)',
  });
  desk.take(first, second).after(50_000); // nothing new
  expect(desk.told()).toEqual(['opened']);
  desk.take(resolved(first)).take(resolved(second));
  expect(desk.told()).toEqual(['opened', 'resolved']);
  expect(desk.last().sentence).toMatch(/^Resolved after 51s: No path of web answers\./);
});

test('a finding that came and went while it gathered is told, and then called over', () => {
  const finding = aFinding();
  expect(new Desk().take(finding).take(resolved(finding)).after(1_000).told()).toEqual(['opened', 'resolved']);
  expect(new Desk().take(resolved(finding)).after(1_000).told()).toEqual(['opened', 'resolved']);
});

test('changes are told at most once a minute; one for the worse at once', () => {
  const desk = new Desk([aRule({ group: 'environment' })]);
  desk.take(aFinding({ id: 'a', severity: 'warn' })).after(1_000);
  for (let second = 0; second < 30; second += 1) desk.take(aFinding({ id: `more${String(second)}`, severity: 'warn' })).after(1_000);
  expect(desk.told()).toEqual(['opened']);
  expect(desk.after(60_000).told()).toEqual(['opened', 'changed']);
  desk.take(aFinding({ id: 'worse', severity: 'page' }));
  expect(desk.told()).toEqual(['opened', 'changed', 'changed']);
  expect(desk.last().findings[0]?.id).toBe('worse');
});

test('figures that grow are no change; once complete, they are', () => {
  const desk = new Desk();
  desk.take(aFinding({ isProvisional: true, sentence: '10 flows broke.' })).after(1_000);
  for (let second = 1; second < 100; second += 1) {
    desk.take(aFinding({ isProvisional: true, updatedMs: 1_000 + second, sentence: `${String(10 + second)} flows broke.` })).after(1_000);
  }
  expect(desk.told()).toEqual(['opened']);
  desk.take(aFinding({ updatedMs: 9_000, sentence: '200 flows broke.' }));
  expect(desk.told()).toEqual(['opened', 'changed']);
});

test('a group that comes back goes on as the same alert, and is quieter each time', () => {
  const desk = new Desk();
  for (let round = 0; round < 40; round += 1) {
    const finding = aFinding({ id: `f${String(round)}`, updatedMs: round * 10 });
    desk.take(finding).after(1_000).take(resolved(finding)).after(9_000);
  }
  expect(new Set(desk.turns.map(({ alert }) => alert.id)).size).toBe(1);
  expect(desk.turns.filter(({ type }) => type !== 'alert.changed').length).toBeLessThan(10);
  desk.after(FLAP_MS);
  expect(desk.told().at(-1)).toBe('resolved');
  desk
    .after(FLAP_MS + 1)
    .take(aFinding({ id: 'much later', updatedMs: 9_999 }))
    .after(1_000);
  expect(new Set(desk.turns.map(({ alert }) => alert.id)).size).toBe(2);
});

test('k vantages must agree, except where one knows for sure', () => {
  const desk = new Desk([aRule({ vantagesAgree: 2, minSeverity: 'info', group: 'finding' })]);
  desk.take(aFinding({ id: 'one' }), aSetChange(['n2'], { id: 'inferred', from: 'flows' })).after(1_000);
  expect(desk.turns).toEqual([]);
  desk.take(
    aFinding({ id: 'one', updatedMs: 2_000, vantages: ['v1', 'v2'] }),
    aFinding({ id: 'session', kind: 'bgp-session-down', vantages: [] }),
    aFinding({ id: 'ill', kind: 'agent-ill' }),
    aSetChange(['n2'], { id: 'observed', vantages: [] }),
  );
  desk.after(1_000);
  expect(desk.turns.map(({ alert }) => [...alert.members.keys()][0])).toEqual(['one', 'session', 'ill', 'observed']);
});

test('a sick prober is one alert, whatever it was watching', () => {
  const desk = new Desk();
  for (const vip of ['web', 'api', null])
    desk.take(aFinding({ id: `ill ${String(vip)}`, kind: 'agent-ill', subject: 'v1', severity: 'warn', vip }));
  desk.take(aFinding({ id: 'silent', kind: 'agent-silent', subject: 'v1', severity: 'warn', vip: null })).after(1_000);
  expect(desk.told()).toEqual(['opened']);
});

test('rules choose by kind, severity and environment', () => {
  const desk = new Desk([
    aRule({ name: 'paths', findings: ['path-dead'], group: 'finding' }),
    aRule({ name: 'pages', minSeverity: 'page', group: 'finding' }),
    aRule({ name: 'elsewhere', environments: ['staging'], group: 'finding' }),
  ]);
  desk
    .take(aFinding({ id: 'a', kind: 'path-dead', severity: 'warn' }), aFinding({ id: 'b', kind: 'vip-down', severity: 'page' }))
    .after(1_000);
  expect(desk.turns.map(({ alert }) => [alert.rule, [...alert.members.keys()][0]])).toEqual([
    ['paths', 'a'],
    ['pages', 'b'],
  ]);
});

test('maintenance annotates what it planned, and hides nothing outside of its nodes', () => {
  const planned = () => new Desk([aRule({ group: 'environment' })], [aPeriod({ nodes: ['n2'] })]);
  expect(
    planned()
      .take(aSetChange(['n2']))
      .after(1_000)
      .last().maintenance,
  ).toBe('upgrade');
  expect(
    planned()
      .take(aSetChange(['n2', 'n3']))
      .after(1_000)
      .last().maintenance,
  ).toBeNull();
  expect(
    planned()
      .take(aFinding({ kind: 'path-dead', subject: 'n2' }))
      .after(1_000)
      .last().maintenance,
  ).toBe('upgrade');
  expect(planned().take(aFinding()).after(1_000).last().maintenance).toBeNull(); // a whole VIP was not planned
  const desk = planned()
    .take(aSetChange(['n2']))
    .after(1_000);
  desk.take(aFinding({ id: 'outside', kind: 'path-dead', subject: 'n1', severity: 'warn' }));
  expect(desk.last()).toMatchObject({ type: 'alert.changed', maintenance: null }); // at once, not in a minute
});

test('what is still there when its maintenance ends is told again, without the annotation', () => {
  const desk = new Desk([aRule()], [aPeriod()]).take(aFinding()).after(1_000);
  expect(desk.last()).toMatchObject({ type: 'alert.opened', maintenance: 'upgrade' });
  desk.after(3_600_000);
  expect(desk.last()).toMatchObject({ type: 'alert.changed', maintenance: null });
});

test('what a forgotten alert told is not told again, and its last figures make no new alert', () => {
  const about = { rules: [aRule()], periods: [], now: { steadyMs: START_MS, wallMs: START_MS } };
  const past = [{ rule: 'everything', updatedMs: 5_000 }];
  const opens = (finding: Finding) => takeFinding(bookOf([]), { finding, nodes: [], past }, about).size;
  expect(opens(aFinding({ updatedMs: 5_000 }))).toBe(0);
  expect(opens(aFinding({ updatedMs: 6_000, state: 'resolved' }))).toBe(0);
  expect(opens(aFinding({ updatedMs: 6_000 }))).toBe(1);
});

test('an alert ends as it began when its rule groups otherwise since a restart', () => {
  const before = new Desk([aRule({ group: 'environment' })]).take(aFinding({ id: 'a' }), aFinding({ id: 'b', vip: 'api' })).after(1_000);
  const desk = new Desk([aRule({ group: 'vip' })]);
  Object.assign(desk, { book: before.book, nowMs: before.nowMs });
  desk.take(resolved(aFinding({ id: 'a' })), resolved(aFinding({ id: 'b', vip: 'api' })));
  expect(desk.turns.map(({ type, alert }) => [type, alert.id])).toEqual([['alert.resolved', before.turns[0]?.alert.id]]);
});

test('an alert that stays open for days stays small', () => {
  const desk = new Desk([aRule({ group: 'environment' })]).take(aFinding({ id: 'stays' }));
  for (let round = 0; round < 500; round += 1) {
    const finding = aFinding({ id: `f${String(round)}`, updatedMs: round * 10 });
    desk.take(finding, resolved(finding)).after(61_000);
  }
  expect([...desk.book.values()][0]?.members.size).toBeLessThan(105);
  expect(desk.last().findings.length).toBeLessThanOrEqual(50);
});

type Act = { kind: 'state'; finding: number; state: 'open' | 'resolved'; severity: 'warn' | 'page' } | { kind: 'wait'; ms: number };
const acts = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('state' as const),
        finding: fc.nat(5),
        state: fc.constantFrom('open' as const, 'resolved' as const),
        severity: fc.constantFrom('warn' as const, 'page' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(400_000) }) },
  ),
  { maxLength: 60 },
);
const rules = fc.constantFrom(aRule(), aRule({ group: 'environment' }), aRule({ group: 'finding' }), aRule({ wait: 0 }));

function play(rule: RuleSpec, story: readonly Act[], isTwice = false): { desk: Desk; last: Map<string, Finding> } {
  const desk = new Desk([rule]);
  const last = new Map<string, Finding>();
  story.forEach((act, index) => {
    if (act.kind === 'wait') desk.after(act.ms);
    else {
      const id = `f${String(act.finding)}`;
      const finding = aFinding({
        id,
        vip: `vip${String(act.finding % 2)}`,
        state: act.state,
        severity: act.severity,
        updatedMs: 1_000 + index,
      });
      last.set(id, finding);
      desk.take(finding);
      if (isTwice) desk.take(finding, aFinding({ ...finding, state: 'open', updatedMs: 1 }));
    }
  });
  // Time enough for every wait.
  for (let round = 0; round < 20; round += 1) desk.after(61_000);
  return { desk, last };
}

test('nothing is lost: every finding is told, and what is still open at the end is in an open alert that was told', () => {
  fc.assert(
    fc.property(rules, acts, (rule, story) => {
      const { desk, last } = play(rule, story);
      const toldOf = new Set(desk.turns.flatMap(({ alert }) => [...alert.members.keys()]));
      expect(toldOf).toEqual(new Set(last.keys()));
      for (const finding of last.values()) {
        if (finding.state === 'resolved') continue;
        const words = desk.turns.filter(({ alert }) => alert.members.has(finding.id)).at(-1);
        expect(words?.type).not.toBe('alert.resolved');
        expect(words?.alert.members.get(finding.id)?.finding).toMatchObject({ state: 'open', severity: finding.severity });
      }
      expect([...desk.book.values()].filter(({ state }) => state === 'waiting')).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('of each alert: opened first, resolved only after opened, opened again only after resolved, every id once', () => {
  fc.assert(
    fc.property(rules, acts, (rule, story) => {
      const { desk } = play(rule, story);
      const ids = desk.turns.map((turn) => turnNotification(turn).id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [, turns] of Map.groupBy(desk.turns, ({ alert }) => alert.id)) {
        const words = turns.map(({ type }) => ({ 'alert.opened': 'o', 'alert.changed': 'c', 'alert.resolved': 'r' })[type]).join('');
        expect(words).toMatch(/^(oc*r)*(oc*)?$/);
      }
    }),
    { numRuns: 300 },
  );
});

test('an alert is over at the end exactly when all its findings are', () => {
  fc.assert(
    fc.property(rules, acts, (rule, story) => {
      const { desk, last } = play(rule, story);
      for (const [, turns] of Map.groupBy(desk.turns, ({ alert }) => alert.id)) {
        const final = turns.at(-1);
        const members = [...(final?.alert.members.values() ?? [])].map(({ finding }) => finding);
        if (final?.type === 'alert.resolved') expect(members.every(({ state }) => state === 'resolved')).toBe(true);
        else expect(members.some(({ id }) => last.get(id)?.state === 'open')).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('the same story gives the same notifications; told twice, and with old states in between, it gives no more', () => {
  fc.assert(
    fc.property(rules, acts, (rule, story) => {
      const notifications = (isTwice: boolean) => play(rule, story, isTwice).desk.turns.map(turnNotification);
      expect(notifications(false)).toEqual(notifications(false));
      expect(notifications(true)).toEqual(notifications(false));
    }),
    { numRuns: 200 },
  );
});

test('the next tick is known beforehand', () => {
  const desk = new Desk().take(aFinding());
  expect(nextTickMs(desk.book)).toBe(START_MS + 1_000);
  expect(nextTickMs(desk.after(1_000).book)).toBeNull();
});
