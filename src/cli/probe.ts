// `holdfast probe`: hold flows through one VIP and watch, without any fault and without access to router or cluster.
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import type { Expectation } from '../core/checks.ts';
import { DEFAULT_PORT, type Environment, TRAFFIC_POLICIES, type TrafficPolicy } from '../core/environment.ts';
import { AppError, messageOf } from '../core/errors.ts';
import type { Probe } from '../core/probe-file.ts';
import type { Scenario } from '../core/scenario-file.ts';
import { parseDurationMs } from '../core/units.ts';
import { keyBytes } from '../io/environment-key.ts';
import type { RunPlan } from '../runner/plan.ts';

type Flags = {
  vip: { address: string; port: number };
  policy: TrafficPolicy;
  keyFile: string;
  tcp: number;
  udp: number;
  for: number;
  interval: number;
  source?: string;
  out?: string;
  json?: true;
};

export function probeCommand(): Command {
  return new Command('probe')
    .requiredOption('--vip <address[:port]>', `the VIP; the port defaults to ${String(DEFAULT_PORT)}, IPv6 as [2001:db8::1]:7000`, parseVip)
    .requiredOption('--key-file <file>', 'the key that the responders share')
    .addOption(new Option('--policy <policy>', 'externalTrafficPolicy of the Service').choices(TRAFFIC_POLICIES).default('local'))
    .option('--tcp <count>', 'TCP flows to hold', parseCount, 100)
    .option('--udp <count>', 'UDP flows to hold', parseCount, 100)
    .addOption(new Option('--for <duration>', 'how long to watch').argParser(parseDuration).default(60_000, '60s'))
    .addOption(
      new Option('--interval <duration>', 'from one exchange of a flow to its next').argParser(parseDuration).default(500, '500ms'),
    )
    .option('--source <address>', 'source address (default: what the kernel picks)', parseAddress)
    .option('--out <folder>', 'folder for journal and reports (default: a new one below runs/)')
    .option('--json', 'the journal as NDJSON on standard output')
    .action(async (flags: Flags) => {
      const { carryOut } = await import('./carry-out.ts');
      const key = readKey(flags.keyFile);
      process.exit(
        await carryOut({
          plan: planOf(flags),
          open: (environment) =>
            Promise.resolve({ environment, key, keeper: null, routers: new Map(), [Symbol.asyncDispose]: () => Promise.resolve() }),
          out: flags.out ?? null,
          isJson: flags.json ?? false,
        }),
      );
    });
}

/** The run that the flags describe: one VIP, one vantage, no timeline. */
function planOf(flags: Flags): RunPlan {
  const groups = (['tcp', 'udp'] as const).filter((protocol) => flags[protocol] > 0);
  if (groups.length === 0) throw new AppError('BAD_FLAG', 'there is no flow to hold', { remedy: 'give --tcp or --udp a count above 0' });
  const probes: Record<string, Probe> = Object.fromEntries(
    groups.map((protocol) => [
      protocol,
      {
        title: `${protocol} flows`,
        protocol,
        intervalMs: flags.interval,
        timeoutMs: flags.interval,
        stallAfterMs: 3 * flags.interval,
        payloadBytes: 64,
        freshDialsPerSec: 8,
      },
    ]),
  );
  const expect: Expectation[] = [
    { check: 'broken', max: 0 },
    { check: 'path-availability', min: 0.99 },
    ...(flags.policy === 'local' ? [{ check: 'source-ip', is: 'preserved' } as const] : []),
  ];
  const scenario: Scenario & { name: string } = {
    name: 'probe',
    title: `Watching ${flags.vip.address} port ${String(flags.vip.port)}`,
    flows: groups.map((protocol) => ({ probe: protocol, vip: 'vip', vantages: 'all', count: flags[protocol] })),
    timeline: [],
    expect,
    baseline: flags.for,
    recovery: 0,
    minFlows: 1,
  };
  return { scenario, probes, seed: 1, environment: environmentOf(flags) };
}

function environmentOf(flags: Flags): Environment {
  return {
    name: 'probe',
    title: 'This machine, one VIP',
    lab: null,
    vantages: [{ name: 'here', addresses: flags.source === undefined ? [] : [flags.source], netns: null }],
    vips: [{ name: 'vip', ...flags.vip, family: familyOf(flags.vip.address), policy: flags.policy, service: null }],
    nodes: [],
    routers: [],
    cluster: null,
    keeperSocket: null,
    observers: [],
  };
}

function readKey(path: string): Uint8Array {
  try {
    return keyBytes(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `the key file ${path} cannot be read: ${messageOf(cause)}`, {
      remedy: 'give the file that the responders were started with',
      cause,
    });
  }
}

function parseVip(text: string): Flags['vip'] {
  const match = /^\[(?<v6>[^\]]+)\](?::(?<port6>\d+))?$|^(?<v4>[^:]+)(?::(?<port4>\d+))?$/.exec(text)?.groups;
  const address = canonicalAddress(match?.v6 ?? match?.v4 ?? text);
  const port = Number(match?.port6 ?? match?.port4 ?? DEFAULT_PORT);
  if (address === null || port < 1 || port > 65_535)
    throw new InvalidArgumentError('expected 203.0.113.7, 203.0.113.7:7000 or [2001:db8::1]:7000');
  return { address, port };
}

function parseAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address === null) throw new InvalidArgumentError('expected an IPv4 or IPv6 address');
  return address;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 20_000) throw new InvalidArgumentError('expected a whole number from 0 to 20000');
  return count;
}

function parseDuration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < 50) throw new InvalidArgumentError('expected a duration of at least 50ms, such as 500ms, 60s or 5m');
  return ms;
}
