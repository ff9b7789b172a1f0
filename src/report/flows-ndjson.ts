// flows.ndjson: one line a flow and window, for jq, DuckDB and the like.
import type { FlowOutcome } from '../core/report-format.ts';

/** The columns, in their order. */
const COLUMNS = [
  'event',
  'flowId',
  'vantage',
  'protocol',
  'router',
  'sourceAddress',
  'sourcePort',
  'vip',
  'vipName',
  'port',
  'ingressBefore',
  'ingressAfter',
  'backendBefore',
  'backendAfter',
  'outcome',
  'broken',
  'breakCause',
  'blame',
  'mappedBy',
  'mapFailure',
  'observedSourceBefore',
  'observedSourceAfter',
  'lastOkT',
  'onsetT',
  'brokenT',
  'restoredT',
] as const satisfies readonly (keyof FlowOutcome)[];

/** The lines of flows.ndjson, each with its line feed: a million flows do not fit into one string. */
export function* flowLines(flows: Iterable<FlowOutcome>): Generator<string> {
  for (const flow of flows) yield `${JSON.stringify(flow, COLUMNS as unknown as string[])}\n`;
}
