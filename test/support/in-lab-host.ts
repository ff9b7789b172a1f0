// Runs a command where labs can be built: as root right here, otherwise in user, network and mount namespaces of its own.
//
//   node test/support/in-lab-host.ts vitest run …
import { userInfo } from 'node:os';

const OWN_NAMESPACES = ['unshare', '--user', '--map-root-user', '--net', '--mount'];
const PREPARE = 'ip link set lo up && mount -t tmpfs tmpfs /run && exec "$@"';

const { uid } = userInfo();
const prefix = uid === 0 ? [] : [...OWN_NAMESPACES, 'sh', '-c', PREPARE, 'sh'];
const environment = Object.fromEntries(Object.entries(process.env).map(([key, value]) => [key, value ?? '']));
// Debian keeps ip, nft and conntrack where an ordinary user's PATH does not look.
environment.PATH = `${environment.PATH ?? ''}:/usr/sbin:/sbin`;
if (uid !== 0) environment.HOLDFAST_ROOTLESS = String(uid);
process.execve?.('/bin/sh', ['sh', '-c', 'exec "$@"', 'sh', ...prefix, ...process.argv.slice(2)], environment);
