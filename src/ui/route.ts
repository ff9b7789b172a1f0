// Where one is on the page, as the address bar has it behind the #: every finding and run can be linked to.

export const VIEWS = ['monitors', 'findings', 'runs', 'schedules'] as const;
export type View = (typeof VIEWS)[number];

export type Route = {
  view: View;
  /** Id of the one finding or run that is looked at; null: the list. */
  id: string | null;
  /** What the list is narrowed to. */
  filters: Readonly<Record<string, string>>;
};

/** `#/findings/f-1`, `#/findings?monitor=web`; anything else is the monitors. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [first, second = ''] = path.split('/');
  const view = VIEWS.find((name) => name === first) ?? 'monitors';
  return { view, id: second === '' ? null : decoded(second), filters: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a route; `parseRoute` takes it apart again. */
export function routeHash({ view, id = null, filters = {} }: { view: View; id?: string | null; filters?: Route['filters'] }): string {
  const chosen = Object.entries(filters).filter(([, value]) => value !== '');
  const query = chosen.length === 0 ? '' : `?${new URLSearchParams(chosen).toString()}`;
  return `#/${view}${id === null ? '' : `/${encodeURIComponent(id)}`}${query}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody typed a lone %: no such id, and the page says so
  }
}
