// The keyboard: 1 to 4 choose a view, / the search, arrows walk through a list, Escape goes back.
import { routeHash, VIEWS } from './route.ts';

/** Listens until `signal` aborts. */
export function listenToKeys(signal: AbortSignal): void {
  document.addEventListener('keydown', onKey, { signal });
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
  if (event.key === 'Escape') leave(event, isTyping);
  else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') walk(event);
  else if (isTyping) return;
  else if (event.key === '/') focusSearch(event);
  else if (/^[1-4]$/.test(event.key)) {
    const view = VIEWS[Number(event.key) - 1];
    if (view) location.hash = routeHash({ view });
  }
}

function focusSearch(event: KeyboardEvent): void {
  const search = document.querySelector<HTMLInputElement>('[data-search]');
  if (!search?.offsetParent) return; // none, or hidden: on a phone beside the one that is looked at
  event.preventDefault(); // else the / is typed into it
  search.focus();
  search.select();
}

/** Out of a field first, then out of what is looked at. */
function leave(event: KeyboardEvent, isTyping: boolean): void {
  if (isTyping) {
    (event.target as HTMLElement).blur();
    return;
  }
  document.querySelector<HTMLAnchorElement>('[data-back]')?.click();
}

/** From an item to the next; from the search into the list. In other fields arrows keep their meaning. */
function walk(event: KeyboardEvent): void {
  const from = event.target;
  if (!(from instanceof HTMLElement)) return;
  const isSearch = from.matches('[data-search]');
  if (!isSearch && !from.matches('[data-items] .item')) return;
  const items = [...document.querySelectorAll<HTMLElement>('[data-items] .item')];
  const at = items.indexOf(from);
  const to = event.key === 'ArrowDown' ? at + 1 : at - 1;
  if (isSearch && event.key === 'ArrowUp') return;
  event.preventDefault(); // else the page scrolls too
  if (to < 0) document.querySelector<HTMLElement>('[data-search]')?.focus();
  else items[to]?.focus();
}
