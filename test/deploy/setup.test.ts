import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Argv, tryCommand } from '../../src/io/command.ts';

// The real script on a machine that it may spoil: a mount namespace in which /usr/sbin and FRR's folder are empty, with an apt-get that installs
// nothing but notes what it was asked and whether a package could have started its daemon. It is a Debian, unless a test says otherwise.

const TOOLS = ['sh', 'echo', 'dirname', 'cut', 'sort', 'xargs', 'mv', 'tee', 'chmod', 'rm', 'cat', 'grep', 'mktemp', 'env', 'id', 'find'];
const APT = `#!/bin/sh
echo "$*" >>"$NOTES/asked"
/usr/sbin/policy-rc.d
echo "a daemon would be told $?" >>"$NOTES/asked"
[ ! -e "$NOTES/apt-fails" ] || { echo 'E: no such package' >&2; exit 100; }
`;
/** Mounts are this process's own; what the script leaves in /usr/sbin is noted after it. */
const ON_A_SPARE_MACHINE = `
mount -t tmpfs none /usr/sbin
[ ! -d /usr/lib/frr ] || mount -t tmpfs none /usr/lib/frr
mount --bind "$NOTES/os-release" /etc/os-release
[ ! -e "$NOTES/policy-before" ] || cp -p "$NOTES/policy-before" /usr/sbin/policy-rc.d
PATH="$NOTES/bin" sh "$CHECKOUT/deploy/setup.sh" "$MODE"
code=$?
for file in $(ls -A /usr/sbin); do echo "$file: $(cat "/usr/sbin/$file")" >>"$NOTES/left"; done
exit $code
`;
const NAMESPACE: Argv = process.getuid?.() === 0 ? ['unshare', '--mount'] : ['unshare', '--mount', '--user', '--map-root-user'];

let notes: string;
const note = (name: string, text: string, mode = 0o644) => {
  writeFileSync(join(notes, name), text, { mode });
};
const noted = (name: string) => {
  try {
    return readFileSync(join(notes, name), 'utf8');
  } catch {
    return ''; // the script never got there
  }
};
type Options = { mode?: string; checkout?: string };
const setUp = ({ mode = 'test', checkout = '.' }: Options = {}) =>
  tryCommand([...NAMESPACE, 'env', `NOTES=${notes}`, `MODE=${mode}`, `CHECKOUT=${checkout}`, 'sh', '-c', ON_A_SPARE_MACHINE], {
    timeoutMs: 30_000,
  });

beforeEach(() => {
  notes = mkdtempSync(join(tmpdir(), 'holdfast-setup-'));
  mkdirSync(join(notes, 'bin'));
  for (const tool of TOOLS) symlinkSync(`/usr/bin/${tool}`, join(notes, 'bin', tool));
  note('bin/apt-get', APT, 0o755);
  note('os-release', 'NAME="Debian GNU/Linux"\nID=debian\n');
});
afterEach(() => {
  rmSync(notes, { recursive: true });
});

test('what is missing is named and installed, and no package may start its daemon meanwhile', async () => {
  const { code, stderr } = await setUp();
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'setup: installing chromium conntrack frr iproute2 nftables python3 redis-server; no daemon is started\n',
  });
  expect(noted('asked')).toMatch(/install .*conntrack frr iproute2 nftables python3 redis-server\na daemon would be told 101\n$/);
  expect(noted('left')).toBe('');
});

const LAB = 'conntrack frr iproute2 nftables';
test.each([
  { mode: 'demo', packages: LAB },
  { mode: 'serve', packages: `${LAB} redis-server` },
  { mode: 'test', packages: `chromium ${LAB} python3 redis-server` },
  { mode: 'test:service', packages: `chromium ${LAB} prometheus prometheus-alertmanager python3 redis-server` },
  { mode: 'test:cluster', packages: 'conntrack frr frr-pythontools iproute2 iptables nftables python3' },
])('$mode asks for $packages', async ({ mode, packages }) => {
  const { code, stderr } = await setUp({ mode, checkout: aCheckout({}) });
  expect({ code, stderr }).toEqual({ code: 0, stderr: `setup: installing ${packages}; no daemon is started\n` });
});

test('on Ubuntu, which has chromium as a snap alone, it is not asked for, and that is said', async () => {
  note('os-release', 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n');
  const { code, stderr } = await setUp();
  expect(code).toBe(0);
  expect(stderr).toContain('tests in a browser are skipped');
  expect(noted('asked')).not.toContain('chromium');
});

test.each([
  { mode: 'serve', changed: 'src/ui/page.tsx', isBuilt: true },
  { mode: 'serve', changed: 'src/report/drawing.ts', isBuilt: true },
  { mode: 'test:service', changed: 'package-lock.json', isBuilt: true },
  { mode: 'serve', changed: 'src/keeper/keeper.ts', isBuilt: false },
  { mode: 'demo', changed: 'src/ui/page.tsx', isBuilt: false },
])('$mode after a change of $changed: is the page built? $isBuilt', async ({ mode, changed, isBuilt }) => {
  const { code, stderr } = await setUp({ mode, checkout: aCheckout({ changed }) });
  expect(code).toBe(0);
  expect(stderr.includes('setup: building the page')).toBe(isBuilt);
  expect(noted('npm').includes('run -s page')).toBe(isBuilt);
});

test.each([
  { mode: 'test:cluster', isBuilt: true },
  { mode: 'test', isBuilt: false },
  { mode: 'demo', isBuilt: false },
])('$mode: are the programs of the cluster lab built? $isBuilt', async ({ mode, isBuilt }) => {
  expect((await setUp({ mode, checkout: aCheckout({}) })).code).toBe(0);
  expect(noted('programs')).toBe(isBuilt ? 'built\n' : '');
});

test("the machine's own policy for daemons is put back as it was, also when apt fails", async () => {
  note('policy-before', '#!/bin/sh\n# our own\nexit 104\n', 0o755);
  note('apt-fails', '');
  const { code, stderr } = await setUp();
  expect(code).toBe(4);
  expect(stderr).toContain('E: no such package');
  expect(noted('asked')).not.toContain('told 104');
  expect(noted('left')).toBe('policy-rc.d: #!/bin/sh\n# our own\nexit 104\n');
});

test('a policy that a killed set-up left behind goes with the next one', async () => {
  note('policy-before', '#!/bin/sh\n# put here by Holdfast for as long as its set-up takes\nexit 101\n', 0o755);
  expect((await setUp()).code).toBe(0);
  expect(noted('left')).toBe('');
});

test('who is not root is told before sudo is used', async () => {
  rmSync(join(notes, 'bin/id'));
  note('bin/id', '#!/bin/sh\necho 1000\n', 0o755);
  note('bin/sudo', '#!/bin/sh\necho "sudo $1" >>"$NOTES/asked"\nexec "$@"\n', 0o755);
  const { code, stderr } = await setUp();
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('redis-server with sudo; no daemon is started') as string });
  expect(noted('asked')).toMatch(/^sudo tee\n(.*\n)*sudo env\n/);
  expect(noted('left')).toBe('');
});

test.each([
  {
    machine: 'without apt',
    without: 'apt-get',
    as: 'root',
    told: 'missing on this machine: ip nft conntrack vtysh zebra bgpd redis-server python3 chromium',
  },
  {
    machine: 'without sudo, for an ordinary user',
    without: '',
    as: 'user',
    told: 'as root: apt-get install --no-install-recommends chromium conntrack frr',
  },
])('on a machine $machine the missing commands are named and nothing is touched', async ({ without, as, told }) => {
  if (without !== '') rmSync(join(notes, 'bin', without));
  if (as === 'user') {
    rmSync(join(notes, 'bin/id'));
    note('bin/id', '#!/bin/sh\necho 1000\n', 0o755);
  }
  const { code, stderr } = await setUp();
  expect({ code, asked: noted('asked'), left: noted('left') }).toEqual({ code: 4, asked: '', left: '' });
  expect(stderr).toContain(told);
});

test('where nothing is missing, the set-up says nothing and takes no time', async () => {
  const started = performance.now();
  expect(await tryCommand(['sh', 'deploy/setup.sh'])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(performance.now() - started).toBeLessThan(1_000);
});

/** A checkout in which all is built and installed, but for a file that was `changed` since. */
function aCheckout({ changed = '' }): string {
  const checkout = join(notes, 'checkout');
  const files = ['src/ui/page.tsx', 'src/report/drawing.ts', 'src/core/wire.ts', 'src/keeper/keeper.ts', '.config/vite.config.ts'];
  const [long, lately] = [new Date(1_000_000), new Date(2_000_000)];
  for (const path of [...files, 'package-lock.json', 'node_modules/.package-lock.json', 'dist/ui/index.html', 'node_modules/.bin/node']) {
    const file = join(checkout, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '', { mode: 0o755 });
    const at = path === changed ? lately : long;
    utimesSync(file, at, at);
    utimesSync(dirname(file), long, long);
  }
  utimesSync(join(checkout, 'node_modules/.package-lock.json'), new Date(3_000_000), new Date(3_000_000));
  mkdirSync(join(checkout, 'deploy/lab/programs'), { recursive: true });
  copyFileSync('deploy/setup.sh', join(checkout, 'deploy/setup.sh'));
  writeFileSync(join(checkout, 'deploy/lab/programs/build.sh'), 'echo built >>"$NOTES/programs"\n');
  note('bin/npm', '#!/bin/sh\necho "$*" >>"$NOTES/npm"\n', 0o755);
  return checkout;
}
