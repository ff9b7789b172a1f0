// Debian's Prometheus and Alertmanager as children of a test, on loopback ports and in folders that are gone with them; in a hurry.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { aFreePort } from './a-free-port.ts';
import { eventually } from './eventually.ts';

const RULES = resolve('deploy/prometheus/holdfast.rules.yaml');

export type Sample = { labels: Record<string, string>; value: number };
export type RealPrometheus = {
  url: string;
  /** An instant query. */
  query(expression: string): Promise<Sample[]>;
} & AsyncDisposable;
export type RealAlertmanager = { url: string; alerts(): Promise<{ labels: Record<string, string> }[]> } & AsyncDisposable;

/** Scrapes `target` (the job `holdfast`) with its bearer token each second, judges our rules and tells the Alertmanager. */
export async function aPrometheus(target: { url: string; token: string }, alertmanager: { url: string }): Promise<RealPrometheus> {
  const { host, pathname, protocol } = new URL(target.url);
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanager.url).host] }] }] },
    scrape_configs: [
      {
        job_name: 'holdfast',
        scheme: protocol.slice(0, -1),
        metrics_path: pathname,
        authorization: { credentials: target.token },
        static_configs: [{ targets: [host] }],
      },
    ],
  };
  const started = await aDaemon('prometheus', config, { port: await aFreePort(), flags: ['--storage.tsdb.path=data'] });
  return {
    ...started,
    query: async (expression) => {
      const answer = await fetch(`${started.url}/api/v1/query?${new URLSearchParams({ query: expression }).toString()}`);
      const { data } = (await answer.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } };
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
  };
}

/** Posts what it is told to `webhook`, with its bearer token, at once. `port`: where a service was told that it would be. */
export async function anAlertmanager(webhook: { url: string; token: string }, port?: number): Promise<RealAlertmanager> {
  const config = {
    route: { receiver: 'holdfast', group_by: ['alertname'], group_wait: '0s', group_interval: '1s', repeat_interval: '1h' },
    receivers: [
      {
        name: 'holdfast',
        webhook_configs: [{ url: webhook.url, send_resolved: true, http_config: { authorization: { credentials: webhook.token } } }],
      },
    ],
  };
  const started = await aDaemon('prometheus-alertmanager', config, {
    port: port ?? (await aFreePort()),
    flags: ['--storage.path=data', '--cluster.listen-address='], // no peers, no second port
  });
  return {
    ...started,
    alerts: async () => (await (await fetch(`${started.url}/api/v2/alerts`)).json()) as { labels: Record<string, string> }[],
  };
}

async function aDaemon(
  command: string,
  config: object,
  { port, flags }: { port: number; flags: readonly string[] },
): Promise<{ url: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${command}-`));
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config), { mode: 0o600 }); // JSON is YAML
  const place = `127.0.0.1:${String(port)}`;
  const url = `http://${place}`;
  const child = spawn(command, ['--config.file=config.yaml', `--web.listen-address=${place}`, ...flags], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const stop = async () => {
    await ended(child);
    rmSync(folder, { recursive: true });
  };
  try {
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`${command} ended`);
      const { ok } = await fetch(`${url}/-/ready`);
      if (!ok) throw new Error(`${command} is not ready`);
    }, 30_000);
  } catch (cause) {
    await stop();
    throw new Error(`${command} did not start: ${said}`, { cause });
  }
  return { url, [Symbol.asyncDispose]: stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const end = new Promise((resolveEnd) => child.once('exit', resolveEnd));
  child.kill('SIGTERM');
  await end;
}
