// What stands above every view: the four views, the service's own health, and who is logged in.
import { formatCount } from '../../report/format.ts';
import { ask } from '../ask.ts';
import { routeHash, VIEWS, type View } from '../route.ts';
import { useLive, useSession } from '../session.ts';
import { StateMark } from './marks.tsx';
import { agoText } from './moment.tsx';

const TITLES: Readonly<Record<View, string>> = {
  monitors: 'Monitors',
  findings: 'Findings',
  runs: 'Runs',
  schedules: 'Schedules',
};

export function Header({ view }: { view: View }) {
  const { overview } = useLive();
  const counts: Readonly<Record<View, number>> = {
    monitors: 0,
    findings: overview?.openFindings.length ?? 0,
    runs: overview?.running.length ?? 0,
    schedules: overview?.health.outboxDead ?? 0,
  };
  const saying: Readonly<Record<View, string>> = { monitors: '', findings: 'open', runs: 'running', schedules: 'dead letters' };
  return (
    <header class="bar">
      <span class="product">{overview?.title ?? 'Holdfast'}</span>
      <nav aria-label="Views">
        {VIEWS.map((name, index) => (
          <a
            key={name}
            href={routeHash({ view: name })}
            aria-current={name === view ? 'page' : undefined}
            aria-keyshortcuts={String(index + 1)}
          >
            {TITLES[name]}
            {counts[name] > 0 && (
              <span class={name === 'runs' ? 'count' : 'count harm-count'}>
                {formatCount(counts[name])}
                <span class="unseen"> {saying[name]}</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <Who />
    </header>
  );
}

function Who() {
  const { me, signOut } = useSession();
  const logOut = async () => {
    await ask('/session', { method: 'DELETE', csrf: me.csrf });
    signOut();
  };
  return (
    <span class="who">
      <span>
        {me.name} <span class="muted">{me.role}</span>
      </span>
      <button type="button" onClick={() => void logOut()}>
        Log out
      </button>
    </span>
  );
}

/** The service's own health, in one line; what is wrong, in a line each. */
export function Health() {
  const { overview } = useLive();
  const { live } = useSession();
  if (overview === null) return null;
  const { canaryAgeMs, outboxPending, outboxDead, outboxOldestMs, problems } = overview.health;
  const oldest = outboxOldestMs === null || outboxPending === 0 ? '' : `, the oldest from ${agoText(live.nowMs() - outboxOldestMs)}`;
  return (
    <div class="health" role="group" aria-label="Health of the service">
      <p>
        {problems.length === 0 ? (
          <StateMark tone="good">service healthy</StateMark>
        ) : (
          <StateMark tone="care">service: {problems.length === 1 ? '1 problem' : `${formatCount(problems.length)} problems`}</StateMark>
        )}
        <span class="muted">
          canary {canaryAgeMs === null ? 'not back yet' : `back ${agoText(canaryAgeMs)}`} · outbox {formatCount(outboxPending)} waiting
          {oldest}, {formatCount(outboxDead)} dead · version {overview.version}
        </span>
      </p>
      {problems.length > 0 && (
        <ul>
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
