// `holdfast agent`: the process at a vantage that belongs to a service, and `--check`, which tells what it would do.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import type { AgentFile } from '../core/agent-file.ts';
import { AppError, messageOf } from '../core/errors.ts';
import { isInTheClear } from '../core/service-door.ts';
import { machineBootId, monoMs } from '../io/clock.ts';
import { spawnIn } from '../io/command.ts';
import { keyBytes } from '../io/environment-key.ts';
import { checkFile, readDocument, whole } from './load-files.ts';
import { outliveReaders } from './process-family.ts';
import { resolveSecret } from './resolve-secret.ts';
import { selfArgv } from './self.ts';
import { programVersion } from './version.ts';

type Flags = { file: string; check?: true };

export function agentCommand(): Command {
  return new Command('agent')
    .description(
      'Holds flows at this vantage as its service orders, within the limits of its own file, and sends what it measured. ' +
        'It only makes outgoing connections. Ends its probers in order on SIGTERM or Ctrl-C.',
    )
    .option('--file <file>', 'the agent’s own file', 'agent.yaml')
    .option('--check', 'start nothing: tell what it would allow, and whether service and Redis answer')
    .action(agent);
}

async function agent(flags: Flags): Promise<void> {
  const read = readAgentFile(flags.file);
  if (flags.check) {
    const { checkAgent } = await import('../agent/check-agent.ts');
    const { text, missing } = await checkAgent(read);
    process.stdout.write(text);
    if (missing.length === 0) return;
    throw new AppError('PREFLIGHT', `${missing.join(' and ')} did not answer this agent as they should`, {
      remedy: 'see the advice above; the agent itself would go on trying',
    });
  }
  // It writes to a log, whose reader may end before it does.
  outliveReaders();
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      stop.abort();
    });
  }
  const { runAgent } = await import('../agent/run-agent.ts');
  await runAgent(
    {
      ...read,
      version: programVersion(),
      machineBoot: machineBootId(),
      startProber: () => spawnIn(undefined, selfArgv('prober'), { stdio: ['pipe', 'pipe', 'pipe'] }),
      newStream: () => randomBytes(6).toString('hex'),
      now: monoMs,
      log,
    },
    stop.signal,
  );
}

/** The file with secrets in place of references, and its paths as this process sees them. @throws AppError, InputMistakes */
function readAgentFile(path: string): { file: AgentFile; ca: { service: string | null; redis: string | null }; key: string } {
  const { value } = whole(checkFile(readDocument(path), 'agent'));
  const follow = (text: string) => resolveSecret(text, { file: path, variables: process.env });
  const file = { ...value, token: follow(value.token), redis: follow(value.redis), state: resolve(dirname(path), value.state) };
  // A service starts agents on its own machine with the Redis that it uses itself, and tells them its key through its own socket.
  if (isInTheClear(file.redis) && !file.service.startsWith('unix:')) {
    throw new AppError('BAD_INPUT', `${path}: what redis refers to is a redis:// URL of another machine, which is spoken to in the clear`, {
      remedy: 'give Redis TLS, and write rediss:// there',
    });
  }
  return {
    file,
    ca: { service: readPem(path, value.ca), redis: readPem(path, value.redisCa) },
    key: keyBytes(follow(value.key)).toString('base64'),
  };
}

/** The text of a PEM file that the file `from` names; null when it names none. @throws AppError FILE_UNREADABLE */
export function readPem(from: string, path: string | undefined): string | null {
  if (path === undefined) return null;
  const file = resolve(dirname(from), path);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${from}: the certificate ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

function log(text: string): void {
  process.stderr.write(`${new Date().toISOString()} agent: ${text}\n`);
}
