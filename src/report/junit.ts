// junit.xml: a test case a check, for pipelines that show nothing else.
import type { CheckResult, Report, Verdict } from '../core/report-format.ts';

type TestCase = { name: string; verdict: Verdict; told: string };

/**
 * JUnit XML as Jenkins, GitLab and GitHub's reporters read it. A deviated check is a failure; an inconclusive or errored
 * one an error, since "skipped" would turn a pipeline green that knows nothing.
 */
export function junitXml(report: Report): string {
  const cases = testCases(report);
  const failures = cases.filter(({ verdict }) => verdict === 'deviated').length;
  const errors = cases.filter(({ verdict }) => verdict === 'inconclusive' || verdict === 'errored').length;
  const counts = `tests="${String(cases.length)}" failures="${String(failures)}" errors="${String(errors)}"`;
  const timeSec = (report.durationMs / 1_000).toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="holdfast" ${counts} time="${timeSec}">`,
    `  <testsuite name="${escapeXml(report.scenario)}" ${counts} skipped="0" time="${timeSec}" timestamp="${new Date(report.wallClockMs).toISOString()}">`,
    '    <properties>',
    ...properties(report).map(([name, value]) => `      <property name="${name}" value="${escapeXml(value)}"/>`),
    '    </properties>',
    ...cases.flatMap((testCase) => renderCase(testCase, report)),
    `    <system-out>${escapeXml([report.summary, ...report.remarks].join('\n'))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function properties(report: Report): [string, string][] {
  return [
    ['runId', report.runId],
    ['environment', report.environment],
    ['seed', String(report.seed)],
    ['verdict', report.verdict],
  ];
}

/** The checks, and the run itself where its verdict is none of theirs: a run without checks must not count as passed. */
function testCases(report: Report): TestCase[] {
  const cases = report.checks.map((check) => ({
    name: checkName(check),
    verdict: check.verdict,
    told: `expected ${check.expected}, observed ${check.observed}: ${check.why}`,
  }));
  if (report.checks.some((check) => check.verdict === report.verdict)) return cases;
  return [...cases, { name: 'the run itself', verdict: report.verdict, told: report.summary }];
}

function checkName(check: CheckResult): string {
  const scope = [check.vantage, check.protocol, check.vip].filter((part) => part !== undefined).join(' ');
  return [check.check, check.during && `during ${check.during}`, scope && `(${scope})`].filter(Boolean).join(' ');
}

function renderCase({ name, verdict, told }: TestCase, report: Report): string[] {
  const open = `    <testcase classname="holdfast.${escapeXml(report.scenario)}" name="${escapeXml(name)}"`;
  const problem = (element: 'failure' | 'error') => [
    `${open}>`,
    `      <${element} type="${verdict}" message="${escapeXml(told)}"/>`,
    '    </testcase>',
  ];
  switch (verdict) {
    case 'held':
      return [`${open}/>`];
    case 'deviated':
      return problem('failure');
    case 'inconclusive':
    case 'errored':
      return problem('error');
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** For text and attribute values; what XML 1.0 (section 2.2) has no way to say becomes U+FFFD. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
