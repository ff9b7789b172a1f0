// Where segments lie (segments/MONITOR/SESSION/HOUR.ndjson), and which of them have to go. One hour may have several: HOUR_000001 and so on.
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { diskError } from '../../io/disk-error.ts';
import { syncFolder } from '../../io/whole-file.ts';

const EXTENSION = '.ndjson';
const HOUR_MS = 3_600_000;

/** One segment that is there; `hour` is `20261122T20Z`, or `20261122T20Z_000001`; `writtenMs` (Unix): last. */
export type SegmentPlace = { monitor: string; session: string; hour: string; path: string; bytes: number; writtenMs: number };

/** The hour (UTC) of an instant, as segments are named after it: names sort by time. */
export function hourOf(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 13).replaceAll('-', '')}Z`;
}

/** The name of a segment that follows the one of this name and is not of a later hour. */
export function nextAfter(hour: string): string {
  const [stem = hour, number = '0'] = hour.split('_');
  return `${stem}_${String(Number(number) + 1).padStart(6, '0')}`;
}

export class SegmentFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The path of a segment to be made; its folder is there when this returns. @throws AppError DISK */
  pathFor(monitor: string, session: string, hour: string): string {
    const folder = join(this.#folder, monitor, session);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      syncFolder(dirname(folder));
      syncFolder(this.#folder);
    } catch (cause) {
      throw diskError(folder, cause);
    }
    return join(folder, `${hour}${EXTENSION}`);
  }

  /** The newest segment of a session; null when there is none. */
  newest(monitor: string, session: string): SegmentPlace | null {
    return this.#ofSession(monitor, session).at(-1) ?? null;
  }

  /** All segments, oldest first. */
  all(): SegmentPlace[] {
    return entries(this.#folder)
      .flatMap((monitor) => entries(join(this.#folder, monitor)).flatMap((session) => this.#ofSession(monitor, session)))
      .sort((a, b) => (a.hour === b.hour ? a.path.localeCompare(b.path) : a.hour < b.hour ? -1 : 1));
  }

  /** Removes segments, and the folders that are empty then. */
  remove(places: readonly SegmentPlace[]): void {
    for (const { path } of places) {
      rmSync(path, { force: true });
      for (const folder of [dirname(path), dirname(dirname(path))]) {
        try {
          rmdirSync(folder);
        } catch {
          break; // not empty
        }
      }
    }
  }

  #ofSession(monitor: string, session: string): SegmentPlace[] {
    const folder = join(this.#folder, monitor, session);
    return entries(folder)
      .filter((file) => file.endsWith(EXTENSION))
      .sort()
      .flatMap((file) => {
        const path = join(folder, file);
        const found = statSync(path, { throwIfNoEntry: false });
        return found
          ? [{ monitor, session, hour: file.slice(0, -EXTENSION.length), path, bytes: found.size, writtenMs: found.mtimeMs }]
          : [];
      });
  }
}

/**
 * Which segments have to go: those of an hour that ended before `keptMs` ago, and the oldest of the rest while all of them together
 * are larger than `maxBytes`. A segment that is being written (`inUse`) stays. One of an hour that has not begun, as the wall clock was
 * in the future once, goes by when it was written.
 */
export function overdue(
  segments: readonly SegmentPlace[],
  limits: { nowMs: number; keptMs: number; maxBytes: number },
  inUse: ReadonlySet<string>,
): { aged: SegmentPlace[]; crowded: SegmentPlace[] } {
  const oldest = hourOf(limits.nowMs - limits.keptMs);
  const removable = segments.filter(({ path }) => !inUse.has(path));
  const newest = hourOf(limits.nowMs + HOUR_MS);
  const isAged = ({ hour, writtenMs }: SegmentPlace) => hour < oldest || (hour >= newest && writtenMs < limits.nowMs - limits.keptMs);
  const aged = removable.filter(isAged);
  const crowded: SegmentPlace[] = [];
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0) - aged.reduce((sum, segment) => sum + segment.bytes, 0);
  for (const segment of removable.filter((place) => !isAged(place))) {
    if (bytes <= limits.maxBytes) break;
    crowded.push(segment);
    bytes -= segment.bytes;
  }
  return { aged, crowded };
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there: nothing was written yet
  }
}
