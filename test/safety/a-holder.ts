// Plays a runner, to be killed: takes the environment of a keeper, injects one fault and renews the lease as long as it lives.
//
//   node test/safety/a-holder.ts SOCKET TARGET FOR_MS LEASE_MS [KIND PARAMS]
import { monoMs } from '../../src/io/clock.ts';
import { connectKeeper } from '../../src/runner/keeper-client.ts';
import { eventually } from '../support/eventually.ts';

const [socket = '', target = '', forMs = '', leaseMs = '', kind = 'bgp-session-down', params = '{}'] = process.argv.slice(2);
const client = await connectKeeper(socket, { timeoutMs: 5_000, signal: AbortSignal.timeout(10_000) });
// A busy machine may take its time to start a janitor, without which no keeper gives anything away.
const { epoch } = await eventually(async () => await client.acquire(`holder-${String(process.pid)}`, monoMs()), 60_000);
process.stdout.write('injecting\n');
client.inject(epoch, { fault: 'f1', kind, target, forMs: Number(forMs), params: JSON.parse(params) as Record<string, unknown> }).then(
  () => process.stdout.write('in force\n'),
  () => undefined, // whoever disturbs knows why
);
setInterval(
  () => {
    client.renew(epoch).catch(() => undefined);
  },
  Number(leaseMs) / 3,
);
