// Causes of broken flows in words, the same in every output.
import { CAUSE_EVIDENCE, type CauseEvidence, type UnexplainedBreaks, type WindowCause } from '../core/report-format.ts';
import { formatCount, formatInterval, formatShare } from './format.ts';

/** A line a protocol: `tcp web: 94 of 300 (31.3%, 26.3–36.8%): 94 reset`. */
export function brokenText({ vip, broken }: WindowCause): string[] {
  return broken.map(({ protocol, share, byCause }) => {
    const head = `${protocol}${vip === null ? '' : ` ${vip}`}: ${formatCount(share.count)} of ${formatCount(share.n)}`;
    if (share.count === 0) return head;
    const causes = Object.entries(byCause).sort(([a], [b]) => (a < b ? -1 : 1));
    return `${head} (${formatShare(share)}, ${formatInterval(share)}): ${causes.map(([cause, flows]) => `${formatCount(flows)} ${cause}`).join(', ')}`;
  });
}

/** By what those flows are tied to it: `94 came in by the node that left`. */
export function evidenceText({ evidence }: WindowCause): string[] {
  const parts = CAUSE_EVIDENCE.flatMap((kind) => (evidence[kind] ? [`${formatCount(evidence[kind])} ${EVIDENCE_WORDS[kind]}`] : []));
  return parts.length === 0 ? [] : [parts.join(', ')];
}

const EVIDENCE_WORDS: Record<CauseEvidence, string> = {
  'its-pod': 'answered by that pod',
  'left-hop': 'in by the node that left',
  rehashed: 'rehashed to another node',
  'on-target': 'in by, or answered on, its target',
  'on-node': 'in by, or answered on, that node',
};

/** `unexplained: 4 of 94 broken tcp flows of web (…): no cause was seen`. */
export function unexplainedText({ vip, protocol, share, why }: UnexplainedBreaks): string {
  const interval = `${formatShare(share)}, ${formatInterval(share)}`;
  return `unexplained: ${formatCount(share.count)} of ${formatCount(share.n)} broken ${protocol} flows of ${vip} (${interval}): ${WHY_WORDS[why]}`;
}

const WHY_WORDS: Record<UnexplainedBreaks['why'], string> = {
  'prober-ill': 'their prober was ill, perhaps they did not break at all',
  unseen: 'the cluster or the router was not watched then',
  unmapped: 'a next-hop set had changed, but where their 5-tuples went by that is not known',
  'no-cause-seen': 'nothing that was seen explains them',
};
