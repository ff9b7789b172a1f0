// Instants: how long ago on the service's clock, and the instant itself.
import { formatWallClock } from '../../report/format.ts';
import { useSession } from '../session.ts';

/** `3 s ago`, `4 min ago`, `in 2 h`; the instant itself on hovering. */
export function Ago({ ms }: { ms: number | null }) {
  const { live } = useSession();
  if (ms === null) return <>never</>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatWallClock(ms)}>
      {agoText(live.nowMs() - ms)}
    </time>
  );
}

/** The instant, and how long ago that is. */
export function Moment({ ms }: { ms: number }) {
  return (
    <>
      {formatWallClock(ms)}{' '}
      <span class="muted">
        (<Ago ms={ms} />)
      </span>
    </>
  );
}

const UNITS = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'min', ms: 60_000 },
  { unit: 's', ms: 1_000 },
] as const;

/** In whole units of the largest that fits twice, or once for seconds; clocks differ, so what is barely to come counts as now. */
export function agoText(ageMs: number): string {
  const length = Math.abs(ageMs);
  if (length < 1_000) return 'now';
  const { unit, ms } = UNITS.find((each) => length >= (each.unit === 's' ? 1 : 2) * each.ms) ?? UNITS[3];
  const count = `${String(Math.floor(length / ms))} ${unit}`;
  return ageMs >= 0 ? `${count} ago` : `in ${count}`;
}
