// A link from Alertmanager names an alert (/?alert=ID): it leads to the evidence, the first finding of the alert.
import type { AlertResource } from '../core/api.ts';
import { ask } from './ask.ts';
import { routeHash } from './route.ts';

/** Replaces such an address by that of the finding, or of all findings when the alert is not known any more. */
export async function followAlert(): Promise<void> {
  const id = new URLSearchParams(location.search).get('alert');
  if (id === null) return;
  const alerts = await ask<{ items: AlertResource[] }>('/alerts?limit=200');
  const found = alerts.isOk ? alerts.value.items.find((alert) => alert.id === id) : undefined;
  history.replaceState(null, '', `${location.pathname}${routeHash({ view: 'findings', id: found?.findings[0] ?? null })}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
