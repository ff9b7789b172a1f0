// From the journal of a `verify` to its comparisons: what each layer said of each VIP's nodes.
import { join } from 'node:path';
import { intentWire } from '../analysis/intent-wire.ts';
import { differenceContext, differences } from '../analysis/intent-wire-words.ts';
import { indexJournal } from '../analysis/run-facts.ts';
import type { Environment } from '../core/environment.ts';
import { JOURNAL_FILE } from '../core/journal.ts';
import type { CheckResult } from '../core/report-format.ts';
import { readJournal } from '../io/journal-file.ts';
import type { ComparedVip } from '../report/terminal/intent-wire.ts';

/**
 * One comparison for each VIP that was judged, in the environment's order.
 * @throws AppError FILE_UNREADABLE, PROTOCOL
 */
export async function compareVips(folder: string, environment: Environment, checks: readonly CheckResult[]): Promise<ComparedVip[]> {
  const facts = indexJournal((await readJournal(join(folder, JOURNAL_FILE))).events);
  return environment.vips.flatMap((vip) => {
    const check = checks.find((one) => one.vip === vip.name);
    if (!check) return [];
    const wire = intentWire(facts, { vip: vip.name }, { fromT: facts.timelineT, untilT: facts.endT });
    const told = new Map(
      wire.parts
        .flatMap((part) => differences(part.rows, part.findings, differenceContext(environment, vip.name)))
        .map((one) => [`${one.kind} ${one.node}`, one]),
    );
    return [{ vip, wire, differences: [...told.values()], verdict: check.verdict }];
  });
}
