// What a service would do, in words: `holdfast serve --dry-run`. Pure.
import { aimOf } from '../core/scenario-file.ts';
import type { ServiceSetup } from './serve-setup.ts';

/** The whole text, ending with a newline. */
export function setupText({ path, file, catalogue, lab, localAgents, keepers }: ServiceSetup): string {
  const { monitors, schedules, hooks, destinations, rules, periods, listen } = file;
  const lines = [
    `${file.title} (${path})`,
    `  listens on ${listen.host} port ${String(listen.port)}, and on a Unix socket in its state folder`,
    `  Redis: ${file.redis === undefined ? 'a private redis-server' : 'the given one'}`,
    ...[...catalogue.environments.values()].map(({ environment }) => {
      const vantages = environment.vantages.map(({ name }) => name).join(', ');
      const isLab = lab?.plan.environment.name === environment.name;
      return `  environment ${environment.name}${isLab ? ` (a lab: built when it is not up, prefix ${lab.plan.prefix})` : ''}: vantages ${vantages}`;
    }),
    `  starts these agents itself: ${listed(localAgents.map(({ name }) => name))}`,
    ...keepers.map(({ name, environments }) => `  keeper ${name} may join from another machine, for ${listed(environments)}`),
    ...monitors.map(({ name, environment, flows }) => {
      const held = flows.map(({ probe, vip, count }) => `${String(count)} ${probe} through ${vip}`).join(', ');
      return `  monitor ${name} in ${environment}: ${held}, from each vantage`;
    }),
    ...schedules.map(({ name, scenario, environment, cron, every, timeZone }) => {
      const when = cron === undefined ? `every ${String((every ?? 0) / 1000)} s` : `at ${cron} (${timeZone})`;
      const faults = catalogue.scenarios.get(scenario)?.scenario.timeline.map((entry) => `${entry.fault} on ${aimOf(entry).name}`) ?? [];
      return `  schedule ${name}: ${scenario} in ${environment} ${when}; injects ${listed(faults)}`;
    }),
    ...hooks.map(({ name, kind, scenarios, allowFaults }) => {
      return `  hook ${name} (${kind}) may start ${listed(scenarios)}${allowFaults ? ', faults included' : ''}`;
    }),
    ...rules.map(({ name, destinations: to }) => `  rule ${name} tells ${listed(to)}`),
    ...destinations.map(({ name, kind, url }) => `  destination ${name}: ${kind} ${new URL(url).origin}`),
    ...periods.map(({ name, kind, from, until }) => `  ${kind} ${name} from ${from} until ${until}`),
  ];
  return `${lines.join('\n')}\n`;
}

function listed(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.join(', ');
}
