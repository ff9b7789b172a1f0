// BGP sessions from FRR's `show bgp neighbors json`.
import { z } from 'zod';
import { canonicalAddress } from '../core/addresses.ts';
import type { BgpSession } from '../core/capabilities.ts';
import { AppError, messageOf } from '../core/errors.ts';

// bgpd/bgp_vty.c, bgp_show_peer: one object a neighbour, keyed by its address or interface; other keys are no objects.
const neighbour = z.looseObject({
  bgpState: z.string(),
  adminShutDown: z.boolean().optional(),
  lastResetDueTo: z.string().optional(),
  lastNotificationReason: z.string().optional(),
});
const answer = z.record(z.string(), z.unknown());

/** The sessions that FRR lists, neighbours without an address left out. @throws AppError DEVICE_OUTPUT */
export function parseSessions(output: string): BgpSession[] {
  try {
    return Object.entries(answer.parse(JSON.parse(output))).flatMap(([key, value]) => {
      const peer = canonicalAddress(key);
      return peer === null ? [] : [sessionOf(peer, neighbour.parse(value))];
    });
  } catch (cause) {
    throw new AppError('DEVICE_OUTPUT', `FRR's list of BGP neighbours is not understood: ${messageOf(cause).slice(0, 300)}`, {
      remedy: 'see that bgpd runs; FRR 8.4 and later are known to answer as expected',
      cause,
    });
  }
}

function sessionOf(peer: string, found: z.infer<typeof neighbour>): BgpSession {
  const reason = [found.lastResetDueTo, found.lastNotificationReason].filter((text) => text !== undefined && text !== '').join(': ');
  return { peer, state: found.bgpState, isShut: found.adminShutDown === true, reason };
}
