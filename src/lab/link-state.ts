// A member's uplink as the kernel has it, and how to bring it back to that: a link taken down loses more than it gets back by itself.
import { z } from 'zod';
import type { LinkState } from '../core/capabilities.ts';
import { AppError } from '../core/errors.ts';
import { runCommand } from '../io/command.ts';
import type { LabMember } from './address-plan.ts';

// iproute2's JSON of `ip address` and `ip route`; other keys do not matter here.
const addressOutput = z.array(
  z.looseObject({
    flags: z.array(z.string()).optional(),
    addr_info: z.array(z.looseObject({ local: z.string(), prefixlen: z.int(), scope: z.string() })).default([]),
  }),
);
const routeOutput = z.array(
  z.looseObject({ dst: z.string(), gateway: z.string().optional(), protocol: z.string().optional(), metric: z.int().optional() }),
);

/** An uplink's state: `ip` commands without their verb, sorted, so that two states are equal exactly when their JSON is. */
const uplinkState = z.object({ isUp: z.boolean(), addresses: z.array(z.string()), routes: z.array(z.string()) });
type UplinkState = z.infer<typeof uplinkState>;

/** Link, addresses and routes of the member's uplink. What the kernel makes by itself (link-local addresses, on-link routes) is left out. */
export async function readLinkState(member: LabMember, signal: AbortSignal): Promise<UplinkState> {
  const { netns, uplink } = member;
  const ask = async (...query: string[]) => await runCommand(['ip', '-n', netns, '-j', ...query, 'dev', uplink], { signal });
  const [link, routes4, routes6] = await Promise.all([ask('address', 'show'), ask('-4', 'route', 'show'), ask('-6', 'route', 'show')]);
  return uplinkStateFrom({ link, routes: [routes4, routes6] }, uplink);
}

/** The same, from what `ip -j` printed. Pure. @throws AppError DEVICE_OUTPUT */
export function uplinkStateFrom(output: { link: string; routes: readonly string[] }, uplink: string): UplinkState {
  const [link] = parse(addressOutput, output.link);
  if (!link?.flags) throw new AppError('DEVICE_OUTPUT', `the kernel has no interface ${uplink} any more`);
  const routes = output.routes.flatMap((text) => parse(routeOutput, text));
  return {
    isUp: link.flags.includes('UP'),
    addresses: link.addr_info
      .filter(({ scope }) => scope !== 'link')
      .map(({ local, prefixlen }) => `${local}/${String(prefixlen)} dev ${uplink}`)
      .sort(),
    routes: routes
      .filter(({ protocol }) => protocol !== 'kernel')
      .map(({ dst, gateway, metric, protocol }) =>
        [
          // `default` alone does not tell the family.
          dst === 'default' ? (gateway?.includes(':') ? '::/0' : '0.0.0.0/0') : dst,
          ...(gateway === undefined ? [] : [`via ${gateway}`]),
          `dev ${uplink}`,
          ...(metric === undefined ? [] : [`metric ${String(metric)}`]),
          ...(protocol === undefined ? [] : [`proto ${protocol}`]),
        ].join(' '),
      )
      .sort(),
  };
}

/** `ip -batch` input that cuts the uplink at the member's side: the router keeps its carrier, and its hold timer decides. */
export function linkDownBatch(member: LabMember): string {
  return `link set ${member.uplink} down\n`;
}

/**
 * `ip -batch` input that brings the uplink from `now` to `wanted`. Pure.
 * @throws AppError DEVICE_OUTPUT when `wanted` is no state that `readLinkState` gave
 */
export function restoreBatch(member: LabMember, wanted: LinkState, now: UplinkState): string {
  const parsed = uplinkState.safeParse(wanted);
  if (!parsed.success) throw new AppError('DEVICE_OUTPUT', `the recorded state of ${member.name}'s uplink is not understood`);
  const { isUp, addresses, routes } = parsed.data;
  const extra = (present: string[], due: string[]) => present.filter((each) => !due.includes(each));
  return [
    `link set ${member.uplink} ${isUp ? 'up' : 'down'}`,
    ...extra(addresses, now.addresses).map((address) => `address add ${address}`),
    ...extra(now.addresses, addresses).map((address) => `address delete ${address}`),
    // All of them: setting the link up may just have changed which there are.
    ...(isUp ? routes.map((route) => `route replace ${route}`) : []),
    '',
  ].join('\n');
}

function parse<Schema extends z.ZodType>(schema: Schema, output: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(output.trim() === '' ? '[]' : output));
  } catch (cause) {
    throw new AppError('DEVICE_OUTPUT', `the answer of ip is not understood: ${output.slice(0, 200)}`, { cause });
  }
}
