// The kernel's own answer to "where do packets for this prefix go?": `ip route`, in a place.
import { z } from 'zod';
import { canonicalAddress, familyOf } from '../core/addresses.ts';
import type { Place } from '../core/environment.ts';
import { AppError } from '../core/errors.ts';
import { runCommand } from './command.ts';

// iproute2 ip/iproute.c, print_route: a hop is the route itself or one of `nexthops`; RFC 8950 hops stand in `via`.
const hop = z.looseObject({
  gateway: z.string().optional(),
  via: z.looseObject({ host: z.string() }).optional(),
  flags: z.array(z.string()).default([]),
});
const route = hop.extend({
  dst: z.string(),
  metric: z.int().default(0),
  nexthops: z.array(hop).optional(),
});

/**
 * Addresses of the next hops that the kernel uses for `prefix`, in the order in which it hashes over them; empty when there is none.
 * Read from the kernel and not from a routing daemon, so that a route of a better metric by somebody else counts.
 * @throws AppError DEVICE_OUTPUT when the answer is not understood, and as `runCommand`
 */
export async function readNextHops(place: Place, prefix: string, signal: AbortSignal): Promise<string[]> {
  const family = familyOf(prefix.split('/', 1)[0] ?? prefix) === 4 ? '-4' : '-6';
  return parseNextHops(await runCommand(['ip', family, '-j', 'route', 'show', 'match', prefix], { place, signal }));
}

/**
 * The same, from the output of `ip -j route show match PREFIX`: all routes that cover the prefix.
 * The longest of them counts, then the lowest metric. Routes equal in both are one ECMP route (how older kernels list IPv6).
 * A default route covers every prefix and tells of none: what nobody announced has no next hop.
 */
export function parseNextHops(output: string): string[] {
  const covering = parse(z.array(route), output).filter(({ dst }) => prefixLength(dst) > 0);
  const routes = covering.sort((a, b) => prefixLength(b.dst) - prefixLength(a.dst) || a.metric - b.metric);
  const [best] = routes;
  if (best === undefined) return [];
  return routes
    .filter((other) => prefixLength(other.dst) === prefixLength(best.dst) && other.metric === best.metric)
    .flatMap((equal) => equal.nexthops ?? [equal])
    .filter((each) => !each.flags.includes('dead'))
    .flatMap((each) => canonicalAddress(each.gateway ?? each.via?.host ?? '') ?? []);
}

const neighbour = z.looseObject({ dst: z.string(), lladdr: z.string().optional() });

/**
 * Other addresses of the neighbour that owns `address`: those the kernel knows behind the same link-layer address.
 * Names the node behind a link-local next hop, which is what BGP over IPv6 installs (RFC 2545 section 3).
 */
export async function readAliases(place: Place, address: string, signal: AbortSignal): Promise<string[]> {
  return parseAliases(await runCommand(['ip', '-j', 'neigh', 'show'], { place, signal }), address);
}

/** The same, from the output of `ip -j neigh show`. */
export function parseAliases(output: string, address: string): string[] {
  const neighbours = parse(z.array(neighbour), output);
  const owner = neighbours.find((each) => canonicalAddress(each.dst) === address)?.lladdr;
  if (owner === undefined) return [];
  return neighbours.filter((each) => each.lladdr === owner).flatMap((each) => canonicalAddress(each.dst) ?? []);
}

/** `default`, `10.77.0.0/16`, or a host route, which `ip` prints bare. */
function prefixLength(dst: string): number {
  if (dst === 'default') return 0;
  const bits = dst.split('/', 2)[1];
  return bits === undefined ? 128 : Number(bits);
}

function parse<Schema extends z.ZodType>(schema: Schema, output: string): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(output.trim() === '' ? '[]' : output));
  } catch (cause) {
    throw new AppError('DEVICE_OUTPUT', `the answer of ip is not understood: ${output.slice(0, 200)}`, { cause });
  }
}
