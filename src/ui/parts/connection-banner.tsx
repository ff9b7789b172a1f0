// Says at once when what is shown is not what is: nobody should trust a page that has lost its service.
import { useEffect, useState } from 'preact/hooks';
import { formatWallClock } from '../../report/format.ts';
import { useLive, useSession } from '../session.ts';
import { agoText } from './moment.tsx';

/** A state older than this is called old, whatever the reason. */
const OLD_MS = 10_000;

export function ConnectionBanner() {
  const { asOfMs, lost } = useLive();
  const { live } = useSession();
  const [, setTick] = useState(0);
  useEffect(() => {
    const tick = setInterval(() => {
      setTick((count) => count + 1);
    }, 1_000);
    return () => {
      clearInterval(tick);
    };
  }, []);
  const nowMs = live.nowMs();
  const isOld = asOfMs !== null && nowMs - asOfMs > OLD_MS;
  if (lost === null && !isOld) return <div role="status" />;
  const showing =
    asOfMs === null ? 'There is nothing to show yet.' : `Showing the state of ${formatWallClock(asOfMs)}, ${agoText(nowMs - asOfMs)}.`;
  return (
    <div role="status" class="banner">
      <p>
        <strong>{lost === null ? 'Not refreshed.' : `Not connected since ${formatWallClock(lost.sinceMs)}.`}</strong> {showing}{' '}
        {lost?.problem.detail}
      </p>
    </div>
  );
}
