// A command that outlives its keeper is found, whoever adopted it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { COMMAND_MARK, commandsInFlight } from '../../src/keeper/commands-in-flight.ts';
import { eventually } from '../support/eventually.ts';

const FOLDER = `/nonexistent/keeper-${String(process.pid)}`;

test('a frozen command whose keeper ended is in flight until it ends; one of the living keeper is its own affair', async () => {
  const env = { ...process.env, [COMMAND_MARK]: FOLDER };
  // The shell plays the keeper: it starts a command, tells its pid, and ends.
  const shell = spawn('sh', ['-c', 'sleep 60 </dev/null >/dev/null 2>&1 & echo $!'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(shell.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  try {
    process.kill(pid, 'SIGSTOP');
    await eventually(() => {
      expect(commandsInFlight(FOLDER, 999_999_999)).toEqual([pid]);
    });
    expect(commandsInFlight(`${FOLDER}-other`, 999_999_999)).toEqual([]);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
  await eventually(() => {
    expect(commandsInFlight(FOLDER, 999_999_999)).toEqual([]);
  });
  const child = spawn('sleep', ['60'], { env, stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    expect(commandsInFlight(FOLDER, process.pid)).toEqual([]);
    expect(commandsInFlight(FOLDER, 999_999_999)).toEqual([child.pid]);
  } finally {
    child.kill('SIGKILL');
  }
});
