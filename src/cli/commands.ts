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
    name: 'run',
    summary: 'hold flows, break what the scenario says, and judge what broke',
    examples: [
      'holdfast run scenarios/bgp-session-drop.yaml --env deploy/lab/three-nodes.yaml',
      'holdfast run scenarios/node-drain.yaml --env my-network.yaml --dry-run',
    ],
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'probe',
    summary: 'hold flows through one VIP and watch, without faults',
    examples: [
      'holdfast probe --vip 203.0.113.7:7000 --key-file holdfast.key --tcp 200 --udp 200 --for 60s',
      'holdfast probe --vip [2001:db8::7]:7000 --policy cluster --key-file holdfast.key',
    ],
    load: async () => (await import('./probe.ts')).probeCommand(),
  },
  {
    name: 'lab',
    summary: 'build a real network on this machine, to break in peace',
    examples: [
      'holdfast lab up deploy/lab/three-nodes.yaml',
      'holdfast lab status',
      'holdfast lab exec n1 -- ss -tn',
      "holdfast lab vtysh tor -- -c 'show ip bgp summary'",
      'holdfast lab down',
    ],
    load: async () => (await import('./lab.ts')).labCommand(),
  },
  {
    name: 'serve',
    summary: 'watch all day, run by the clock, alert: the service with its page',
    examples: [
      'holdfast serve',
      'holdfast serve --config serve.yaml --state /var/lib/holdfast',
      'holdfast serve --config serve.yaml --dry-run',
    ],
    load: async () => (await import('./serve.ts')).serveCommand(),
  },
  {
    name: 'trigger',
    summary: 'start a run at a service, and end with its verdict',
    examples: [
      'holdfast trigger quiet --env lab --service unix:runs/service/api.sock --token-file token --wait',
      'holdfast trigger bgp-session-drop --env prod --service https://holdfast.example.net --token-file token --wait --timeout 10m',
    ],
    load: async () => (await import('./trigger.ts')).triggerCommand(),
  },
  {
    name: 'compare-policies',
    summary: 'take VIPs of different traffic policies through the same faults, side by side',
    examples: [
      'holdfast compare-policies --env deploy/lab/metallb.yaml',
      'holdfast compare-policies --env my-network.yaml --only session-loss,rollout --vips web,api --dry-run',
    ],
    load: async () => (await import('./compare-policies.ts')).comparePoliciesCommand(),
  },
  {
    name: 'report',
    summary: 'rebuild every report of a run from its journal',
    examples: ['holdfast report runs/20261122T120000Z-node-drain-1a2b'],
    load: async () => (await import('./report.ts')).reportCommand(),
  },
  {
    name: 'validate',
    summary: 'check probe, scenario and environment files',
    examples: ['holdfast validate scenarios/*.yaml probes/*.yaml', 'holdfast validate my-network.yaml --json'],
    load: async () => (await import('./validate.ts')).validateCommand(),
  },
  {
    name: 'verify',
    summary: 'compare what the cluster intends with what routers have and flows see',
    examples: ['holdfast verify --env deploy/lab/metallb.yaml', 'holdfast verify --env my-network.yaml --vip web --flows 200'],
    load: async () => (await import('./verify.ts')).verifyCommand(),
  },
  {
    name: 'discover',
    summary: 'write an environment file from a live cluster',
    examples: ['holdfast discover --out my-network.yaml', 'holdfast discover --kubeconfig ~/.kube/config --context prod --out prod.yaml'],
    load: async () => (await import('./discover.ts')).discoverCommand(),
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
    name: 'keeper',
    summary: 'own every fault at its target, and put it back whatever happens',
    examples: [
      'holdfast keeper --env my-network.yaml --file keeper.yaml --state /var/lib/holdfast',
      'holdfast keeper status --env my-network.yaml',
    ],
    load: async () => (await import('./keeper.ts')).keeperCommand(),
  },
  {
    name: 'keeper-link',
    summary: 'let a service on another machine ask the keeper of this one',
    examples: [
      'holdfast keeper-link --file keeper.yaml --state /var/lib/holdfast --check',
      'holdfast keeper-link --file keeper.yaml --state /var/lib/holdfast',
    ],
    load: async () => (await import('./keeper-link.ts')).keeperLinkCommand(),
  },
  {
    name: 'halt',
    summary: 'revert every fault now, and allow none until it is lifted',
    examples: ['holdfast halt --env my-network.yaml', 'holdfast halt --env my-network.yaml --lift'],
    load: async () => (await import('./halt.ts')).haltCommand(),
  },
  {
    name: 'agent',
    summary: 'sit at a vantage and hold what a service orders, within limits of its own',
    examples: ['holdfast agent --file agent.yaml', 'holdfast agent --file /etc/holdfast/agent.yaml --check'],
    load: async () => (await import('./agent.ts')).agentCommand(),
  },
  {
    name: 'janitor',
    summary: 'started by a keeper: revert what expired whatever becomes of it',
    isHidden: true,
    examples: [],
    load: async () => (await import('./janitor.ts')).janitorCommand(),
  },
  {
    name: 'schemas',
    summary: 'write the JSON Schemas of deploy/schemas',
    isHidden: true,
    examples: ['holdfast schemas', 'holdfast schemas --check'],
    load: async () => (await import('./schemas.ts')).schemasCommand(),
  },
  {
    name: 'demo',
    summary: 'build a lab, break it twice, and check that both reports say what they must',
    isHidden: true,
    examples: [],
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'lab-controller',
    summary: 'play the cluster of a lab',
    isHidden: true,
    examples: [],
    load: async () => (await import('./lab-controller.ts')).labControllerCommand(),
  },
  {
    name: 'lab-dialler',
    summary: 'dial each VIP of a lab twice',
    isHidden: true,
    examples: [],
    load: async () => (await import('./lab-dialler.ts')).labDiallerCommand(),
  },
  {
    name: 'lab-kubelet',
    summary: 'run the pods of one node of a lab as processes',
    isHidden: true,
    examples: [],
    load: async () => (await import('./lab-kubelet.ts')).labKubeletCommand(),
  },
  {
    name: 'observe',
    summary: 'tell a service what the observers of an environment see',
    isHidden: true,
    examples: [],
    load: async () => (await import('./observe.ts')).observeCommand(),
  },
  {
    name: 'prober',
    summary: 'hold flows for a runner that speaks on standard input',
    isHidden: true,
    examples: [],
    load: async () => (await import('./prober.ts')).proberCommand(),
  },
];
