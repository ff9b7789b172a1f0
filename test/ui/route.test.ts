// Addresses of the page: every place can be linked to, and any nonsense leads somewhere.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRoute, routeHash, VIEWS } from '../../src/ui/route.ts';

test('an address leads back to where it was made', () => {
  const filters = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ minLength: 1 }), { noNullPrototype: true });
  fc.assert(
    fc.property(fc.constantFrom(...VIEWS), fc.option(fc.string({ minLength: 1 })), filters, (view, id, chosen) => {
      expect(parseRoute(routeHash({ view, id, filters: chosen }))).toEqual({ view, id, filters: chosen });
    }),
  );
});

test('whatever stands behind the # leads to a view', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(VIEWS).toContain(parseRoute(`#${text}`).view);
    }),
  );
});

test.each([
  ['', 'monitors', null],
  ['#/findings', 'findings', null],
  ['#/runs/nightly.2026-11-25', 'runs', 'nightly.2026-11-25'],
  ['#/findings/%', 'findings', '%'],
])('%j is %s', (hash, view, id) => {
  expect(parseRoute(hash)).toMatchObject({ view, id });
});
