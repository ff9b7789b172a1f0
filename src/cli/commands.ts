// The one table of subcommands: what `holdfast --help` lists, and where each is loaded from once it is chosen.
import type { Command } from 'commander';

export type CommandEntry = {
  readonly name: string;
  readonly summary: string;
  /** Started by Holdfast itself, not by people. */
  readonly isHidden?: true;
  /** What people type, shown below `--help`. */
  readonly examples: readonly string[];
  readonly load: () => Promise<Command>;
};

/** In the order of the help. Loading is left to the chosen one alone: it keeps `--help` fast. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'validate',
    summary: 'check probe, scenario and environment files',
    examples: ['holdfast validate scenarios/*.yaml probes/*.yaml', 'holdfast validate my-network.yaml --json'],
    load: async () => (await import('./validate.ts')).validateCommand(),
  },
  {
    name: 'doctor',
    summary: 'tell what this machine has and what it lacks',
    examples: ['holdfast doctor', 'holdfast doctor --json'],
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'respond',
    summary: 'stand behind a VIP and answer probers',
    examples: ['holdfast respond --key-file key', 'holdfast respond --port 7000 --node "$NODE_NAME" --key-file /etc/holdfast/key'],
    load: async () => (await import('./respond.ts')).respondCommand(),
  },
  {
    name: 'schemas',
    summary: 'write the JSON Schemas of deploy/schemas',
    isHidden: true,
    examples: ['holdfast schemas', 'holdfast schemas --check'],
    load: async () => (await import('./schemas.ts')).schemasCommand(),
  },
];
