// Is a place still there? A lab that was taken down is gone, which is not the same as a device that does not answer.
import { existsSync } from 'node:fs';
import type { Place } from '../core/environment.ts';

/** Whether the network namespace of `place` does not exist any more; this machine as it is always exists. */
export function isPlaceGone(place: Place): boolean {
  return place.netns !== null && !existsSync(`/run/netns/${place.netns}`);
}
