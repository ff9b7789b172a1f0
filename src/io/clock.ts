// The machine's monotonic clock: one reading for every process of a boot, unlike performance.now(), which starts at 0 in each.
import { readFileSync } from 'node:fs';

/** Milliseconds of CLOCK_MONOTONIC. */
export function monoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Boot id of this machine: two processes with the same one read the same monotonic clock. */
export function machineBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
