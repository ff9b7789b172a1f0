// Plays a runner, to be killed: takes the environment of a keeper, injects one fault and renews the lease as long as it lives.
//
//   node test/safety/a-holder.ts SOCKET TARGET FOR_MS LEASE_MS
import { monoMs } from '../../src/io/clock.ts';
import { connectKeeper } from '../../src/runner/keeper-client.ts';

const [socket = '', target = '', forMs = '', leaseMs = ''] = process.argv.slice(2);
const client = await connectKeeper(socket, { timeoutMs: 5_000, signal: AbortSignal.timeout(10_000) });
const { epoch } = await client.acquire(`holder-${String(process.pid)}`, monoMs());
process.stdout.write('injecting\n');
client.inject(epoch, { fault: 'f1', kind: 'bgp-session-down', target, forMs: Number(forMs), params: {} }).then(
  () => process.stdout.write('in force\n'),
  () => undefined, // whoever disturbs knows why
);
setInterval(
  () => {
    client.renew(epoch).catch(() => undefined);
  },
  Number(leaseMs) / 3,
);
