// FRR's daemons of a lab: zebra and bgpd in the namespaces of the members that its kind names.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type Argv, runCommand } from '../io/command.ts';
import { identityOf, type ProcessIdentity } from '../io/process-identity.ts';
import { frrFolder, type LabPlan } from './address-plan.ts';
import { zebraConfig } from './frr-config.ts';
import { kindOf } from './kind-of.ts';
import { groupFile } from './state-folder.ts';

const DAEMONS = ['zebra', 'bgpd'] as const;
/** Where distributions put them, which is in nobody's PATH. */
const FOLDERS = ['/usr/lib/frr', '/usr/libexec/frr', '/usr/local/sbin'];
// FRR wants to be of the group frrvty, which no ordinary user can be; in its own view of /etc/group, root is.
const AS_GROUP_ROOT = 'mount --bind "$1" /etc/group && shift && exec "$@"';

/** Starts all daemons; returns when each has read its configuration. @throws AppError COMMAND_MISSING, COMMAND_FAILED */
export async function startDaemons(plan: LabPlan, signal: AbortSignal): Promise<void> {
  const programs = findDaemons();
  const groups = groupFile(plan.stateFolder);
  const others = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/^frr(vty)?:/.test(line));
  writeFileSync(groups, [...others, 'frr:x:0:root', 'frrvty:x:0:root', ''].join('\n'));
  const start = async (member: { name: string; netns: string }, config: string) => {
    const folder = frrFolder(plan.stateFolder, member.name);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, 'vtysh.conf'), 'no service integrated-vtysh-config\n');
    writeFileSync(join(folder, 'zebra.conf'), zebraConfig(member.name));
    writeFileSync(join(folder, 'bgpd.conf'), config);
    for (const daemon of DAEMONS) {
      const argv: Argv = ['sh', '-c', AS_GROUP_ROOT, 'sh', groups, join(programs, daemon), ...daemonArguments(folder, daemon)];
      await runCommand(argv, { place: member, signal });
    }
  };
  await Promise.all(
    kindOf(plan)
      .routingConfigs(plan)
      .map(async ({ member, config }) => start(member, config)),
  );
}

/** The daemons of a lab that live, also of one whose building or taking down was cut short. */
export function livingDaemons(stateFolder: string, members: readonly string[]): ProcessIdentity[] {
  return members.flatMap((member) =>
    DAEMONS.flatMap((daemon) => {
      const pidFile = pidPath(frrFolder(stateFolder, member), daemon);
      const identity = identityOf(Number(read(pidFile)));
      // The pid may be another process's by now; that this one was told of our pid file cannot be chance.
      return identity !== null &&
        read(`/proc/${String(identity.pid)}/cmdline`)
          .split('\0')
          .includes(pidFile)
        ? [identity]
        : [];
    }),
  );
}

function daemonArguments(folder: string, daemon: (typeof DAEMONS)[number]): string[] {
  return [
    '-d',
    ...['-u', 'root', '-g', 'root'],
    ...['-f', join(folder, `${daemon}.conf`), '-i', pidPath(folder, daemon)],
    ...['-z', join(folder, 'zserv.api'), '--vty_socket', folder, '-P', '0'],
    ...['--log', `file:${join(folder, `${daemon}.log`)}`, '--log-level', 'informational'],
  ];
}

function pidPath(folder: string, daemon: string): string {
  return join(folder, `${daemon}.pid`);
}

/** The folder of FRR's daemons. @throws AppError COMMAND_MISSING */
export function findDaemons(): string {
  const folder = FOLDERS.find((each) => DAEMONS.every((daemon) => existsSync(join(each, daemon))));
  if (folder !== undefined) return folder;
  throw new AppError('COMMAND_MISSING', 'FRR (zebra and bgpd) is not on this machine', {
    remedy: 'run deploy/setup.sh, or holdfast doctor to see all that is missing',
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // never started, or gone
  }
}
