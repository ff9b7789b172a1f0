// `holdfast lab`: a real network on this machine, to break in peace.
import { basename } from 'node:path';
import { Command } from 'commander';
import { didYouMean } from '../core/did-you-mean.ts';
import { AppError } from '../core/errors.ts';
import type { Argv } from '../io/command.ts';
import type { LabPlan } from '../lab/address-plan.ts';
import type { Lab } from '../lab/lab.ts';
import { onInterruption } from './interruption.ts';
import { ensurePrograms } from './lab-programs.ts';
import { selfArgv } from './self.ts';

type Flags = { prefix: string; json?: true };
export const DEFAULT_PREFIX = 'hf';

export function labCommand(): Command {
  return new Command('lab')
    .description(
      'Builds nodes, vantages and a router on this machine: network namespaces, real FRR, real ECMP. As root, or as an ordinary user.',
    )
    .addCommand(
      withPrefix(new Command('up').summary('build a lab and prove it sound'))
        .argument('<file>', 'an environment file with `lab:`')
        .action(up),
    )
    .addCommand(withPrefix(new Command('down').summary('remove a lab, or what is left of one')).action(down))
    .addCommand(
      withPrefix(new Command('status').summary('tell every member, its addresses and its state'))
        .option('--json', 'as JSON')
        .action(status),
    )
    .addCommand(
      withPrefix(new Command('exec').summary('run a command inside a member'))
        .argument('<member>', 'n1, v1, tor, …')
        .argument('<command...>', 'the command, after --')
        .action(exec),
    )
    .addCommand(
      withPrefix(new Command('vtysh').summary('talk to the FRR of a member'))
        .argument('<member>', 'tor, n1, …')
        .argument('[arguments...]', 'arguments of vtysh, after --; without any it asks')
        .action(vtyshOf),
    );
}

function withPrefix(command: Command): Command {
  return command.option('--prefix <prefix>', 'prefix of the lab’s namespaces', DEFAULT_PREFIX);
}

async function up(file: string, { prefix }: Flags): Promise<void> {
  const { loadEnvironment } = await import('./load-files.ts');
  const { value, name } = loadEnvironment(file);
  if (!('lab' in value)) {
    throw new AppError('BAD_INPUT', `${basename(file)} describes a network of your own, not a lab`, {
      remedy: 'give a file such as deploy/lab/three-nodes.yaml',
    });
  }
  const { planLab } = await import('../lab/address-plan.ts');
  planLab(value, { name, prefix, uid: 0 }); // refuses what cannot be planned before anything is made
  await ensurePrograms(value, (line) => process.stderr.write(`${line}\n`));
  const host = await enterHost(prefix, 'build');
  const { labUp } = await import('../lab/lab-up.ts');
  const plan = planLab(value, { name, prefix, uid: host.uid });
  const interruption = onInterruption();
  try {
    await labUp(plan, {
      uid: host.uid,
      program: selfArgv(),
      signal: interruption.signal,
      onProgress: (step) => process.stderr.write(`${step}\n`),
    });
  } catch (error) {
    if (interruption.exitCode === null) throw error;
    process.stderr.write('interrupted: all of it is removed\n');
    process.exit(interruption.exitCode);
  }
  process.stdout.write(upText(plan));
}

function upText(plan: LabPlan): string {
  const { vips } = plan.environment;
  return `${[
    `The lab ${plan.prefix} is up: ${plan.environment.title}.`,
    ...vips.map(({ name, address, port, policy }) => `  ${name.padEnd(16)}${address} port ${String(port)}, ${policy}`),
    `holdfast lab status tells its state, holdfast lab exec n1 -- COMMAND looks around, holdfast lab down removes it.`,
  ].join('\n')}\n`;
}

async function down({ prefix }: Flags): Promise<void> {
  const host = await enterHost(prefix, 'clear');
  const { labDown } = await import('../lab/lab-down.ts');
  const { namespaces, processes } = await labDown(prefix, host.uid);
  process.stdout.write(
    namespaces + processes === 0
      ? `There is no lab ${prefix}.\n`
      : `The lab ${prefix} is gone: ${String(namespaces)} namespaces and ${String(processes)} processes.\n`,
  );
}

async function status(flags: Flags): Promise<void> {
  const lab = await useLab(flags.prefix);
  const { labStatus } = await import('../lab/lab-status.ts');
  const { labStatusText } = await import('./lab-status-text.ts');
  const found = await labStatus(lab, AbortSignal.timeout(20_000));
  process.stdout.write(flags.json ? `${JSON.stringify(found, null, 2)}\n` : labStatusText(found));
}

async function exec(member: string, command: string[], { prefix }: Flags): Promise<void> {
  const { netns } = await memberOf(await useLab(prefix), member);
  const { becomeCommand } = await import('../lab/host.ts');
  becomeCommand(['ip', 'netns', 'exec', netns, ...command], process.env);
}

async function vtyshOf(member: string, args: string[], { prefix }: Flags): Promise<void> {
  const lab = await useLab(prefix);
  const { name } = await memberOf(lab, member);
  const { frrFolder, vtyshArguments } = await import('../lab/address-plan.ts');
  const { becomeCommand } = await import('../lab/host.ts');
  becomeCommand(['vtysh', ...vtyshArguments(frrFolder(lab.stateFolder, name)), ...args], process.env);
}

async function memberOf({ plan }: Lab, member: string): Promise<{ name: string; netns: string }> {
  const { membersOf } = await import('../lab/address-plan.ts');
  const members = [plan.router, ...membersOf(plan)];
  const found = members.find(({ name }) => name === member);
  if (found) return found;
  const names = members.map(({ name }) => name);
  const near = didYouMean(member, names);
  throw new AppError('UNKNOWN_NAME', `the lab ${plan.prefix} has no member ${member}${near === null ? '' : `; did you mean ${near}?`}`, {
    remedy: `it has ${names.join(', ')}`,
  });
}

async function useLab(prefix: string): Promise<Lab> {
  const host = await enterHost(prefix, 'use');
  const { openLab } = await import('../lab/lab.ts');
  return openLab(prefix, host.uid);
}

/** Makes this process one that can use the lab `prefix`; see enterLabHost. */
export async function enterHost(prefix: string, purpose: 'build' | 'use' | 'clear') {
  const { enterLabHost } = await import('../lab/host.ts');
  return await enterLabHost({ prefix, purpose, env: process.env, argv: thisCommandLine() });
}

/** This process's own command line, to begin again with. */
function thisCommandLine(): Argv {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
}
