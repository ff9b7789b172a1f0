// What the kernel tells of this machine and of the network namespace this process is in.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { familyOf } from '../core/addresses.ts';
import { monoMs } from '../io/clock.ts';
import type { PortRange } from './source-ports.ts';
import type { HealthReadings } from './self-health.ts';

/** Of whom the kernel is asked. */
export type Ours = {
  /** Tells the source ports of our own sockets from those of other programs. */
  isOurs: (port: number) => boolean;
  /** Those that are dialled from. */
  sourceAddresses: readonly string[];
};

/** Readings for self-health. */
export function kernelReadings({ isOurs, sourceAddresses }: Ours): HealthReadings {
  let lastErrors = receiveErrors(read('/proc/self/net/snmp'), read('/proc/self/net/snmp6'));
  let drops = 0;
  return {
    kernelDrops: () => {
      const errors = receiveErrors(read('/proc/self/net/snmp'), read('/proc/self/net/snmp6'));
      // The list of sockets is long: looked at only when some socket of the namespace has dropped something.
      if (errors > lastErrors) {
        drops = Math.max(drops, socketDrops(read('/proc/self/net/udp'), isOurs) + socketDrops(read('/proc/self/net/udp6'), isOurs));
      }
      lastErrors = errors;
      return drops;
    },
    suspendedMs: () => {
      // /proc/uptime counts the time asleep, the monotonic clock does not; in hundredths of a second.
      const uptimeSec = Number(read('/proc/uptime').split(' ', 1)[0]);
      return uptimeSec * 1_000 - monoMs();
    },
    hasAddresses: () => sourceAddresses.every(isHere),
  };
}

/** The kernel's range for sockets that do not choose a port. */
export function ephemeralPorts(): PortRange {
  const [first, last] = read('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  return first && last ? { first, last } : { first: 32_768, last: 60_999 };
}

/** How many files this process may have open. */
export function openFileLimit(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(read('/proc/self/limits'));
  return line?.[1] === undefined || line[1] === 'unlimited' ? Infinity : Number(line[1]);
}

/** Datagrams dropped for want of buffer in the whole namespace, both families (snmp's RcvbufErrors, snmp6's Udp6RcvbufErrors). */
export function receiveErrors(snmp: string, snmp6: string): number {
  const [names, values] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  const ipv4 = Number(values?.[names?.indexOf('RcvbufErrors') ?? -1] ?? 0);
  return ipv4 + Number(/^Udp6RcvbufErrors\s+(\d+)/m.exec(snmp6)?.[1] ?? 0);
}

/** Drops of the sockets of /proc/net/udp whose local port is ours. */
export function socketDrops(table: string, isOurs: (port: number) => boolean): number {
  let drops = 0;
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = parseInt(fields[1]?.split(':')[1] ?? '', 16);
    if (isOurs(port)) drops += Number(fields.at(-1));
  }
  return drops;
}

/** Whether a socket can be bound to an address: what the kernel itself goes by, whichever device holds it. */
function isHere(address: string): boolean {
  const family = familyOf(address);
  let isGone = false;
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    // At once: without a resolver the outcome is known before `bind` returns.
    lookup: (hostname, _options, callback) => {
      callback(null, hostname, family);
    },
  });
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (isGone ||= code === 'EADDRNOTAVAIL'));
  socket.bind({ address, port: 0, exclusive: true });
  socket.close();
  return !isGone;
}

/** Empty where the kernel does not have it (no IPv6, no /proc). */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
