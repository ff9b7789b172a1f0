// `holdfast lab status` for people: two lines a member, within 80 columns for a usual lab. Pure.
import type { LabStatus, MemberStatus } from '../lab/lab-status.ts';

/** What a detail may have of 80 columns. */
const WIDTH = 76;

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
    case 'control-plane': {
      const { programs = [] } = member;
      const down = programs.filter(({ isRunning }) => !isRunning).map(({ name }) => name);
      const names = (of: readonly string[]) => wrapped(of, 'runs ');
      const up = programs.filter(({ isRunning }) => isRunning);
      return [
        ...names(up.map(({ name, restarts }) => (restarts === 0 ? name : `${name} (started again ${String(restarts)}x)`))),
        ...(down.length === 0 ? [] : [`DOWN: ${down.join(' ')}`]),
      ];
    }
    case 'node': {
      const { isServing, vips = [], cluster } = member;
      return [
        `${isServing ? 'serves' : 'does not serve'}, announces ${vips.length === 0 ? 'nothing' : vips.join(' ')}`,
        ...clusterLines(cluster),
      ];
    }
    case 'vantage':
      return [];
  }
}

function clusterLines(cluster: MemberStatus['cluster']): string[] {
  if (!cluster) return [];
  const { condition, isSpeakerReady, isProxyRunning, pods } = cluster;
  const speaker = `speaker ${isSpeakerReady ? 'ready' : 'NOT READY'}`;
  const others = pods.map(({ name, isReady }) => (isReady ? name : `${name} (not ready)`));
  return [`${condition}, ${speaker}, kube-proxy ${isProxyRunning ? 'runs' : 'DOWN'}`, ...wrapped(others, 'pods ')];
}

/** Words after a label, in as many lines as 80 columns need. */
function wrapped(words: readonly string[], label: string): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? `${label}${word}` : `${' '.repeat(label.length)}${word}`);
  }
  return lines;
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
