// `holdfast lab status` for people: two lines a member, within 80 columns for a usual lab. Pure.
import type { LabStatus, MemberStatus } from '../lab/lab-status.ts';

/** The whole text, ending with a newline. */
export function labStatusText(status: LabStatus): string {
  const { title, prefix, stateFolder, vips, members } = status;
  const member = columns(members.map((each) => [each.name, each.netns, uplink(each), ...each.addresses.slice(0, 2)]));
  const vip = columns(vips.map(({ name, address, port, policy }) => [name, `${address} port ${String(port)}`, policy]));
  return `${[
    `${title}: lab ${prefix}, files in ${stateFolder}`,
    '',
    ...members.flatMap((each, index) => [member[index] ?? '', ...details(each).map((detail) => `    ${detail}`)]),
    '',
    ...vip,
  ].join('\n')}\n`;
}

function uplink({ uplink: name, state }: MemberStatus): string {
  return name === null ? '' : `${name} ${state}`;
}

function details(member: MemberStatus): string[] {
  switch (member.role) {
    case 'router': {
      const byState = Map.groupBy(member.sessions ?? [], ({ state }) => state);
      return [...byState].map(([state, sessions]) => `BGP ${state}: ${sessions.map(({ node }) => node).join(' ')}`);
    }
    case 'node': {
      const { isServing, vips = [] } = member;
      return [`${isServing ? 'serves' : 'does not serve'}, announces ${vips.length === 0 ? 'nothing' : vips.join(' ')}`];
    }
    case 'vantage':
      return [];
  }
}

/** Lines of cells, each column as wide as its widest cell. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join('  ')
      .trimEnd(),
  );
}
