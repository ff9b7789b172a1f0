import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Argv, tryCommand } from '../../src/io/command.ts';

// The real script on a machine that it may spoil: a mount namespace in which /usr/sbin is empty, with an apt-get that installs nothing
// but notes what it was asked and whether a package could have started its daemon.

const TOOLS = ['sh', 'echo', 'dirname', 'cut', 'sort', 'xargs', 'mv', 'tee', 'chmod', 'rm', 'cat', 'grep', 'mktemp', 'env', 'id'];
const APT = `#!/bin/sh
echo "$*" >>"$NOTES/asked"
/usr/sbin/policy-rc.d
echo "a daemon would be told $?" >>"$NOTES/asked"
[ ! -e "$NOTES/apt-fails" ] || { echo 'E: no such package' >&2; exit 100; }
`;
/** Mounts are this process's own; what the script leaves in /usr/sbin is noted after it. */
const ON_A_SPARE_MACHINE = `
mount -t tmpfs none /usr/sbin
[ ! -e "$NOTES/policy-before" ] || cp -p "$NOTES/policy-before" /usr/sbin/policy-rc.d
PATH="$NOTES/bin" sh deploy/setup.sh test
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
const setUp = () => tryCommand([...NAMESPACE, 'env', `NOTES=${notes}`, 'sh', '-c', ON_A_SPARE_MACHINE], { timeoutMs: 30_000 });

beforeEach(() => {
  notes = mkdtempSync(join(tmpdir(), 'holdfast-setup-'));
  mkdirSync(join(notes, 'bin'));
  for (const tool of TOOLS) symlinkSync(`/usr/bin/${tool}`, join(notes, 'bin', tool));
  note('bin/apt-get', APT, 0o755);
});
afterEach(() => {
  rmSync(notes, { recursive: true });
});

test('what is missing is named and installed, and no package may start its daemon meanwhile', async () => {
  const { code, stderr } = await setUp();
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'setup: installing conntrack frr iproute2 nftables python3; no daemon is started\n',
  });
  expect(noted('asked')).toMatch(/install .*conntrack frr iproute2 nftables python3\na daemon would be told 101\n$/);
  expect(noted('left')).toBe('');
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
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('python3 with sudo; no daemon is started') as string });
  expect(noted('asked')).toMatch(/^sudo tee\n(.*\n)*sudo env\n/);
  expect(noted('left')).toBe('');
});

test.each([
  { machine: 'without apt', without: 'apt-get', as: 'root', told: 'missing on this machine: ip nft conntrack vtysh python3' },
  {
    machine: 'without sudo, for an ordinary user',
    without: '',
    as: 'user',
    told: 'as root: apt-get install --no-install-recommends conntrack frr',
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
