// Who looks at the page, and what a component needs to ask and act in their name.
import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import type { Me } from '../core/api.ts';
import { paletteOfNames, type Palette } from '../report/drawing/palette.ts';
import { ask, type Answer } from './ask.ts';
import type { Live, LiveState } from './live.ts';

export type Session = { me: Me; live: Live; signOut: () => void };

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('used outside of a session');
  return session;
}

/** The live state; the component is drawn anew when it changes. */
export function useLive(): LiveState {
  const { live } = useSession();
  const [state, setState] = useState(live.state());
  useEffect(() => {
    const unsubscribe = live.onState(() => {
      setState(live.state());
    });
    setState(live.state());
    return () => {
      unsubscribe();
    };
  }, [live]);
  return state;
}

/** Whether one may press buttons that change something. */
export function useMayOperate(): boolean {
  const { role } = useSession().me;
  return role === 'operator' || role === 'admin';
}

/** Sends a change in the name of who is logged in. */
export function useAct(): (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown) => Promise<Answer<unknown>> {
  const { me, live } = useSession();
  return async (method, path, body) => {
    const answer = await ask(path, { method, csrf: me.csrf, ...(body === undefined ? {} : { body }) });
    live.changed();
    return answer;
  };
}

/** One colour a path, the same in every view: by the names of all nodes that the service knows of. */
export function usePalette(nodes: readonly string[]): Palette {
  const names = [...new Set(nodes)].sort().join('\n');
  return useMemo(() => paletteOfNames(names === '' ? [] : names.split('\n')), [names]);
}
