// The alerts of a service as a process to be killed: takes findings from stdin, says what it took, delivers meanwhile.
//
//   node test/safety/an-outbox.ts STORE URL         stdin: JSON lines { number, state }; stdout: `ready`, then the same lines, once they are written down
import { createInterface } from 'node:readline';
import { monoMs } from '../../src/io/clock.ts';
import { openAlerts } from '../../src/service/alerts/open-alerts.ts';
import { openStore } from '../../src/service/store/open-store.ts';
import { aFinding } from '../service/alerts/support/a-finding.ts';
import { toWebhook } from '../service/alerts/support/an-alert-file.ts';

const [, , path = '', url = ''] = process.argv;
const file = toWebhook(url, { rule: { group: 'finding' } });
// Storm control has its own test: here each notification goes by itself.
const destinations = file.destinations.map((destination) => ({ ...destination, perMinute: 1_000_000 }));
const store = await openStore(path);
await using alerts = await openAlerts({
  store,
  file: { ...file, destinations },
  clock: { nowMs: Date.now, monoMs },
  announce: () => undefined,
  log: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { number, state } = JSON.parse(line) as { number: number; state: 'open' | 'resolved' };
  const finding = aFinding({ id: `f${String(number)}`, vip: `vip${String(number)}`, state, updatedMs: state === 'open' ? 1_000 : 2_000 });
  void alerts.onFinding(finding).then(() => process.stdout.write(`${line}\n`));
}
