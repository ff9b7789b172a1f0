// What this machine must offer for a lab: each answer comes from trying the thing itself, in a namespace that is gone with the try.
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { type Argv, tryCommand } from '../io/command.ts';

export type MachineCheck = {
  name: string;
  state: 'present' | 'missing' | 'limited';
  /** What was found. */
  detail: string;
  /** What to do; only where something is missing or limited. `limited` concerns some uses only. */
  remedy?: string;
};

/** Where distributions put FRR's daemons, which are in nobody's PATH. */
const FRR_FOLDERS = ['/usr/lib/frr', '/usr/libexec/frr', '/usr/local/sbin'];
const NEEDED_NODE = 24;
/** Below this, a vantage holds fewer flows than people expect; each flow is one file descriptor. */
const COMFORTABLE_FILES = 8_192;

/** Looks at everything; takes under a second or two. `path` is the PATH to search. */
export async function checkMachine(path: string, signal?: AbortSignal): Promise<MachineCheck[]> {
  const checks = [nodeVersion(), ...commands(path), frrDaemons()];
  const namespace = await namespaceArgv(signal);
  if ('failure' in namespace) return [...checks, namespace.failure, openFiles()];
  const attempt = (about: Attempt) => tryInNamespace(namespace.argv, about, signal);
  return [
    ...checks,
    { name: 'network namespaces', state: 'present', detail: namespace.detail },
    await attempt({
      name: 'bridge and veth',
      argv: ['ip', '-batch', '-'],
      input: 'link add hf0 type bridge\nlink add hf1 type veth peer name hf2\n',
      remedy: 'load the kernel modules bridge and veth (modprobe bridge veth)',
    }),
    await attempt({
      name: 'multipath hash policy 3',
      argv: ['tee', '/proc/sys/net/ipv4/fib_multipath_hash_policy'],
      input: '3\n',
      remedy:
        'use a kernel of 5.12 or later with CONFIG_IP_ROUTE_MULTIPATH: other policies hash at random between namespaces of one machine',
    }),
    await attempt({
      name: 'nftables NAT',
      argv: ['nft', '-f', '-'],
      input: 'table ip hf { chain post { type nat hook postrouting priority srcnat; oifname "hf0" masquerade; }; }\n',
      remedy: 'load the kernel modules nf_tables and nft_masq',
    }),
    await attempt({
      name: 'resilient next-hop groups',
      argv: ['ip', '-batch', '-'],
      input: 'link set lo up\nnexthop add id 1 dev lo\nnexthop add id 2 group 1 type resilient buckets 8\n',
      remedy: 'only labs with nextHopGroups: resilient need it (kernel 5.13 or later)',
      isOptional: true,
    }),
    openFiles(),
  ];
}

function nodeVersion(): MachineCheck {
  const major = Number(process.versions.node.split('.', 1)[0]);
  const detail = `Node ${process.versions.node}`;
  if (major >= NEEDED_NODE) return { name: 'node', state: 'present', detail };
  return {
    name: 'node',
    state: 'missing',
    detail,
    remedy: `run it as \`npm run -s holdfast -- …\`, which uses Node ${String(NEEDED_NODE)}`,
  };
}

function commands(path: string): MachineCheck[] {
  const needed: readonly (readonly [command: string, debianPackage: string, optional?: string])[] = [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['conntrack', 'conntrack'],
    ['vtysh', 'frr'],
    ['unshare', 'util-linux'],
    ['nsenter', 'util-linux'],
    ['redis-server', 'redis-server', 'only holdfast serve without a Redis of its own needs it: '],
  ];
  return needed.map(([command, debianPackage, optional]) => {
    const found = path
      .split(delimiter)
      .map((folder) => join(folder, command))
      .find(isExecutable);
    if (found !== undefined) return { name: command, state: 'present', detail: found };
    const remedy = `${optional ?? ''}${installRemedy(debianPackage)}`;
    return { name: command, state: optional === undefined ? 'missing' : 'limited', detail: 'not in PATH', remedy };
  });
}

function frrDaemons(): MachineCheck {
  const folder = FRR_FOLDERS.find((candidate) => ['zebra', 'bgpd'].every((daemon) => isExecutable(join(candidate, daemon))));
  if (folder !== undefined) return { name: 'zebra, bgpd', state: 'present', detail: folder };
  return { name: 'zebra, bgpd', state: 'missing', detail: `not in ${FRR_FOLDERS.join(', ')}`, remedy: installRemedy('frr') };
}

function installRemedy(debianPackage: string): string {
  return `sh deploy/setup.sh (Debian, Ubuntu), or install the package ${debianPackage} by other means`;
}

/** How this user gets a network namespace of their own. */
async function namespaceArgv(signal?: AbortSignal): Promise<{ argv: Argv; detail: string } | { failure: MachineCheck }> {
  const isRoot = process.getuid?.() === 0;
  const argv: Argv = isRoot ? ['unshare', '--net', '--mount'] : ['unshare', '--user', '--map-root-user', '--net', '--mount'];
  const said = await outcome([...argv, 'true'], {}, signal);
  if (said === null) return { argv, detail: isRoot ? 'as root' : 'as an ordinary user, by user namespaces' };
  const remedy = isRoot ? 'this container may not create namespaces: it needs the capability SYS_ADMIN' : userNamespaceRemedy();
  return { failure: { name: 'network namespaces', state: 'missing', detail: said, remedy } };
}

function userNamespaceRemedy(): string {
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor keeps user namespaces from ordinary users (Ubuntu 23.10 and later): sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root';
  }
  if (setting('kernel/unprivileged_userns_clone') === '0') return 'sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root';
  if (setting('user/max_user_namespaces') === '0') return 'sudo sysctl -w user.max_user_namespaces=1000, or run as root';
  return 'run as root';
}

function setting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return null; // this kernel has no such setting
  }
}

type Attempt = { name: string; argv: Argv; input: string; remedy: string; isOptional?: true };

async function tryInNamespace(namespace: Argv, attempt: Attempt, signal?: AbortSignal): Promise<MachineCheck> {
  const { name, argv, input, remedy, isOptional } = attempt;
  const said = await outcome([...namespace, ...argv], { input }, signal);
  if (said === null) return { name, state: 'present', detail: 'tried' };
  return { name, state: isOptional ? 'limited' : 'missing', detail: said, remedy };
}

/** Null when the command succeeded, else what it said. */
async function outcome(argv: Argv, options: { input?: string }, signal?: AbortSignal): Promise<string | null> {
  try {
    const { code, stderr } = await tryCommand(argv, signal ? { ...options, signal } : options);
    return code === 0 ? null : (stderr.trim().split('\n').at(0) ?? `ended with ${String(code)}`);
  } catch (error) {
    signal?.throwIfAborted();
    return messageOf(error);
  }
}

/** Node has raised the soft limit to the hard one by now. */
function openFiles(): MachineCheck {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
  const detail = `${String(limit)} open files: fewer flows than that in each vantage`;
  if (limit >= COMFORTABLE_FILES) return { name: 'open files', state: 'present', detail };
  return { name: 'open files', state: 'limited', detail, remedy: `ulimit -n ${String(COMFORTABLE_FILES)}, for more flows` };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
