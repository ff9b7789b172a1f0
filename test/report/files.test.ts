// report.json, flows.ndjson and junit.xml: what other programs read.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VERDICTS, type CheckResult } from '../../src/core/report-format.ts';
import { flowLines } from '../../src/report/flows-ndjson.ts';
import { junitXml } from '../../src/report/junit.ts';
import { reportJson } from '../../src/report/report-json.ts';
import { SOME_RUNS } from '../support/some-runs.ts';
import { parseXml } from '../support/xml.ts';

describe.each(Object.entries(SOME_RUNS))('the %s run', (_name, makeRun) => {
  const { report, flows } = makeRun();

  test('report.json holds all of the report', () => {
    expect(JSON.parse(reportJson(report))).toEqual(report);
  });

  test('report.json does not depend on the order in which keys were set', () => {
    const backwards = Object.fromEntries(Object.entries(report).reverse()) as typeof report;
    backwards.health = report.health.map((row) => ({ ...row, reasons: Object.fromEntries(Object.entries(row.reasons).reverse()) }));
    expect(reportJson(backwards)).toBe(reportJson(report));
  });

  test('flows.ndjson holds one line a flow and window', () => {
    const lines = [...flowLines(flows)];
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([...flows]);
    expect(lines.every((line) => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
  });

  test('junit.xml is well-formed and counts what it holds', () => {
    const elements = parseXml(junitXml(report));
    const named = (name: string) => elements.filter((element) => element.name === name);
    const [suite] = named('testsuite');
    expect(suite?.attributes).toMatchObject({
      tests: String(named('testcase').length),
      failures: String(named('failure').length),
      errors: String(named('error').length),
    });
    expect(named('testcase').length).toBeGreaterThanOrEqual(report.checks.length);
  });
});

test('a pipeline is red unless the run held, whatever the checks', () => {
  const { report } = SOME_RUNS.held();
  const check: CheckResult = { check: 'broken', expected: 'max 0', observed: '0 of 9', verdict: 'held', why: 'none broke' };
  fc.assert(
    fc.property(fc.constantFrom(...VERDICTS), fc.array(fc.constantFrom(...VERDICTS), { maxLength: 4 }), (verdict, verdicts) => {
      const checks = verdicts.map((each) => ({ ...check, verdict: each }));
      const names = parseXml(junitXml({ ...report, verdict, checks })).map(({ name }) => name);
      const isRed = names.includes('failure') || names.includes('error');
      expect(isRed).toBe([verdict, ...verdicts].some((each) => each !== 'held'));
      expect(names).toContain('testcase');
    }),
  );
});

test('junit.xml stays well-formed whatever texts it is given', () => {
  const { report } = SOME_RUNS.held();
  const text = fc.string({ unit: 'binary', maxLength: 30 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const checks = report.checks.map((check) => ({ ...check, why: a, vantage: b }));
      expect(() => parseXml(junitXml({ ...report, summary: a, scenario: b, checks }))).not.toThrow();
    }),
  );
});
