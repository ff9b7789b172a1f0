// The before/after matrix: flows counted by where they came in before a window and where they would come in after it.
import { compareNames } from '../format.ts';

export type MatrixCell = { vantage: string; protocol: string; vip: string; from: string; to: string; flows: number };
export type Matrix = {
  vantage: string;
  protocol: string;
  vip: string;
  /** Names of the rows and columns, in their natural order, `unknown` last. */
  from: string[];
  to: string[];
  /** `flows[row][column]` */
  flows: number[][];
  rowTotals: number[];
  /** Flows off the diagonal. */
  movedFlows: number;
};

/** One matrix per (vantage, protocol, VIP) of the cells. */
export function matricesOf(cells: readonly MatrixCell[]): Matrix[] {
  const groups = Map.groupBy(cells, ({ vantage, protocol, vip }) => JSON.stringify([vantage, protocol, vip]));
  return [...groups.values()].map((group) => {
    const names = (side: 'from' | 'to') => [...new Set(group.map((cell) => cell[side]))].sort(compareUnknownLast);
    const [from, to] = [names('from'), names('to')];
    const count = (row: string, column: string) =>
      group.filter((cell) => cell.from === row && cell.to === column).reduce((sum, cell) => sum + cell.flows, 0);
    const flows = from.map((row) => to.map((column) => count(row, column)));
    return {
      vantage: group[0]?.vantage ?? '',
      protocol: group[0]?.protocol ?? '',
      vip: group[0]?.vip ?? '',
      from,
      to,
      flows,
      rowTotals: flows.map((row) => row.reduce((sum, each) => sum + each, 0)),
      movedFlows: group.filter((cell) => cell.from !== cell.to).reduce((sum, cell) => sum + cell.flows, 0),
    };
  });
}

function compareUnknownLast(a: string, b: string): number {
  return Number(a === 'unknown') - Number(b === 'unknown') || compareNames(a, b);
}
