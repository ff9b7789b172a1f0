// `holdfast prober`: started by the runner at a vantage; speaks control messages on standard input and output.
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { CONTROL_SCHEMA, toProber } from '../core/control.ts';
import { programVersion } from './version.ts';

export function proberCommand(): Command {
  return new Command('prober')
    .description('Holds flows for a runner, as told on standard input, and tells what becomes of them. Ends when standard input closes.')
    .action(prober);
}

async function prober(): Promise<void> {
  const { Prober } = await import('../prober/prober.ts');
  const { ControlChannel } = await import('../prober/control-channel.ts');
  const { ephemeralPorts, kernelReadings, openFileLimit } = await import('../prober/kernel-readings.ts');
  const { machineBootId, monoMs } = await import('../io/clock.ts');
  const { readMessages } = await import('../io/ndjson.ts');
  // A Ctrl-C is for the runner, which reverts first and ends us then.
  process.on('SIGINT', () => undefined);
  const ending = Promise.withResolvers<undefined>();
  const end = () => {
    ending.resolve(undefined);
  };
  process.once('SIGTERM', end);
  const channel = new ControlChannel(process.stdout, end);
  await using work = new Prober({
    say: (message) => {
      channel.say(message);
    },
    now: monoMs,
    random: () => randomBytes(4).readUInt32BE(0) / 2 ** 32,
    nonce: () => randomBytes(8).readBigUInt64BE(0),
    resources: { openFiles: openFileLimit(), ephemeralPorts: ephemeralPorts() },
    readings: kernelReadings,
  });
  channel.say({ type: 'hello', schema: CONTROL_SCHEMA, version: programVersion(), pid: process.pid, machineBoot: machineBootId() });
  void (async () => {
    // Not awaited one by one: an edge must not wait until all flows are open, nor a stop until the final map is made.
    for await (const message of readMessages(process.stdin, toProber)) {
      work.take(message).then((isEnd) => {
        if (isEnd) end();
      }, ending.reject);
    }
  })().then(end, ending.reject);
  await ending.promise;
  await work[Symbol.asyncDispose]();
  await channel.drained();
  process.stdin.destroy(); // an open one would keep the process
}
