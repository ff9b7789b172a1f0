// The page as a whole: who is there, where they are, and the view that belongs there.
import { useEffect, useErrorBoundary, useMemo, useRef, useState } from 'preact/hooks';
import type { EnvironmentResource, Me, Problem } from '../core/api.ts';
import { messageOf } from '../core/errors.ts';
import { ask } from './ask.ts';
import { followAlert } from './follow-alert.ts';
import { listenToKeys } from './keys.ts';
import { openLive, type Live } from './live.ts';
import { ConnectionBanner } from './parts/connection-banner.tsx';
import { Hatching } from './parts/hatching.tsx';
import { Header, Health } from './parts/header.tsx';
import { Nothing, PaletteContext } from './parts/marks.tsx';
import { ProblemNotice } from './parts/problem-notice.tsx';
import { parseRoute, type Route } from './route.ts';
import { SessionContext, useLive, usePalette } from './session.ts';
import { useResource } from './use-resource.ts';
import { FindingsView } from './views/findings.tsx';
import { Login } from './views/login.tsx';
import { MonitorsView } from './views/monitors.tsx';
import { RunsView } from './views/runs.tsx';
import { SchedulesView } from './views/schedules.tsx';

type Who =
  | { is: 'asking' }
  | { is: 'nobody'; why: string | null }
  | { is: 'known'; me: Me }
  /** The service does not answer; asked again. */
  | { is: 'unknown'; problem: Problem };

const ASK_AGAIN_MS = 2_000;

export function App() {
  const [who, setWho] = useState<Who>({ is: 'asking' });
  const look = () => {
    void ask<Me>('/me').then((answer) => {
      if (answer.isOk) setWho({ is: 'known', me: answer.value });
      else if (answer.problem.status === 401) setWho({ is: 'nobody', why: null });
      else {
        setWho({ is: 'unknown', problem: answer.problem });
        setTimeout(look, ASK_AGAIN_MS);
      }
    });
  };
  useEffect(look, []);
  switch (who.is) {
    case 'asking':
      return (
        <main>
          <Nothing>Asking the service who you are …</Nothing>
        </main>
      );
    case 'unknown':
      return (
        <main>
          <ProblemNotice problem={who.problem} about="Nothing is known yet." />
          <Nothing>Asking again …</Nothing>
        </main>
      );
    case 'nobody':
      return <Login why={who.why} onLogin={look} />;
    case 'known':
      return (
        <LoggedIn
          key={who.me.name}
          me={who.me}
          signOut={(why) => (setWho({ is: 'nobody', why }), undefined)}
          // Who has just logged out is told so, and not that the session ended, which it did by that.
          onEnded={(why) => (setWho((now) => (now.is === 'known' ? { is: 'nobody', why } : now)), undefined)}
        />
      );
  }
}

function LoggedIn({ me, signOut, onEnded }: { me: Me; signOut: (why: string) => void; onEnded: (why: string) => void }) {
  const [live, setLive] = useState<Live | null>(null);
  useEffect(() => {
    const opened = openLive();
    const forget = opened.onState(() => {
      if (opened.state().isSignedOut) onEnded('Your session has ended: log in again.');
    });
    setLive(opened);
    return () => {
      forget();
      opened[Symbol.dispose]();
    };
  }, []);
  const session = useMemo(
    () =>
      live && {
        me,
        live,
        signOut: () => {
          signOut('You are logged out.');
        },
      },
    [live, me],
  );
  if (session === null) return null;
  return (
    <SessionContext.Provider value={session}>
      <Shell />
    </SessionContext.Provider>
  );
}

function Shell() {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const { overview } = useLive();
  const environments = useResource<{ items: EnvironmentResource[] }>('/environments', []);
  const palette = usePalette([
    ...(environments.value?.items ?? []).flatMap(({ nodes }) => nodes.map(({ name }) => name)),
    ...(overview?.monitors ?? []).flatMap(({ nextHops, paths }) => [
      ...nextHops.flatMap(({ nodes }) => nodes ?? []),
      ...paths.map(({ ingress }) => ingress),
    ]),
  ]);
  useEffect(() => {
    const ended = new AbortController();
    listenToKeys(ended.signal);
    void followAlert();
    return () => {
      ended.abort();
    };
  }, []);
  return (
    <PaletteContext.Provider value={palette}>
      {/* Not a link: the address behind the # is where one is. */}
      <button
        type="button"
        class="skip"
        onClick={() => {
          main.current?.focus();
        }}
      >
        Skip to the content
      </button>
      <Header view={route.view} />
      <ConnectionBanner />
      <main ref={main} tabIndex={-1}>
        <Health />
        <Drawn key={`${route.view} ${route.id ?? ''}`} route={route} />
      </main>
      <footer>
        <p class="keys">
          <kbd>1</kbd>–<kbd>4</kbd> views <kbd>/</kbd> search <kbd>↓</kbd> <kbd>↑</kbd> list <kbd>Enter</kbd> open <kbd>Esc</kbd> back
        </p>
        <p>All times are UTC, on the service's clock.</p>
      </footer>
      <Hatching />
    </PaletteContext.Provider>
  );
}

/** A view that cannot be drawn says so; it does not take the page with it. */
function Drawn({ route }: { route: Route }) {
  const [error, retry] = useErrorBoundary() as [unknown, () => void];
  if (error !== undefined) {
    return (
      <div class="notice harm-notice" role="alert">
        <p>
          <strong>This view cannot be drawn.</strong> {messageOf(error)}
        </p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    );
  }
  switch (route.view) {
    case 'monitors':
      return <MonitorsView />;
    case 'findings':
      return <FindingsView route={route} />;
    case 'runs':
      return <RunsView route={route} />;
    case 'schedules':
      return <SchedulesView />;
  }
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const onHash = () => {
      setRoute(parseRoute(location.hash));
    };
    addEventListener('hashchange', onHash);
    return () => {
      removeEventListener('hashchange', onHash);
    };
  }, []);
  useEffect(() => {
    document.title = `${route.id ?? route.view} · Holdfast`;
  }, [route]);
  return route;
}
