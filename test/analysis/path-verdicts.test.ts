// One path judged where several routers are read, and it is known which of them the node is to tell.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isToldAlike, peersElsewhere, shouldHave } from '../../src/analysis/asked-routers.ts';
import { judgePath, type Judging, type PathRow } from '../../src/analysis/path-verdicts.ts';

const ROUTERS = ['r1', 'r2', 'r3'].map((name, index) => ({ name, addresses: [`10.0.${String(index)}.1`, `fd00::${String(index)}`] }));
const NAMES = ROUTERS.map(({ name }) => name);
const peerAt = (address: string | null) => ({ name: `peer-${address ?? 'port'}`, address });
const addressOf = (router: string, which = 0) => ROUTERS.find(({ name }) => name === router)?.addresses[which] ?? '';

/** A row in which the routers tell of sessions with the node, and no flow was held. */
function rowOf(node: string, asked: readonly string[], having: readonly string[]): PathRow {
  const peers = asked.map((router) => peerAt(addressOf(router)));
  const intended = { advertises: peers.length > 0, reason: peers.length > 0 ? null : 'noPeer', peers };
  return {
    node,
    intended,
    status: null,
    routers: NAMES.map((router) => ({ router, has: having.includes(router), should: shouldHave(intended, router, ROUTERS) })),
    elsewhere: peersElsewhere(intended, ROUTERS, new Set()),
    excuse: null,
    speaker: null,
    sessions: NAMES.map((router) => ({ router, state: 'Established', reason: '' })),
    flows: [],
  };
}

function judged(rows: readonly PathRow[], known: readonly string[] = rows.map(({ node }) => node)) {
  const judging: Judging = { rows, seen: [], known: new Set(known), tellers: new Set(NAMES), wasIntended: true, unspread: null };
  return rows.map((row) => judgePath(row, judging));
}

const some = fc.subarray(NAMES);

test('each router misses what it should have and lacks, has as phantom what it should not, and nothing is in doubt', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(some, some), { minLength: 1, maxLength: 5 }), (paths) => {
      const rows = paths.map(([asked, having], index) => rowOf(`n${String(index)}`, asked, having));
      for (const [index, { findings, doubts }] of judged(rows).entries()) {
        const [asked = [], having = []] = paths[index] ?? [];
        const told = findings.map((one) => `${one.kind} ${one.by === 'router' ? one.router : one.vantage}`);
        expect(told.sort()).toEqual([
          ...NAMES.filter((router) => asked.includes(router) && !having.includes(router)).map((router) => `missing ${router}`),
          ...NAMES.filter((router) => !asked.includes(router) && having.includes(router)).map((router) => `phantom ${router}`),
        ]);
        expect(doubts).toEqual([]);
      }
    }),
  );
});

test('where it is not known whom a node tells, no router alone is found wrong of a node that advertises', () => {
  fc.assert(
    fc.property(some, fc.subarray(NAMES, { minLength: 1 }), (asked, having) => {
      const row = rowOf('n1', [...asked, 'r1'], having);
      const routers = row.routers.map((at) => ({ ...at, should: null }));
      expect(judged([{ ...row, routers }])[0]?.findings).toEqual([]);
    }),
  );
});

test('a next hop of the same router that is nobody’s may be the node that it lacks; one of another router is not', () => {
  const strange: PathRow = { ...rowOf('10.9.9.9', [], ['r2']), intended: { advertises: false, reason: null } };
  const [same] = judged([rowOf('n1', ['r2'], []), strange], ['n1']);
  expect(same).toEqual({
    findings: [],
    doubts: [{ node: 'n1', text: 'whether 10.9.9.9, which r2 sends flows to, is n1 the environment does not say' }],
  });
  expect(judged([rowOf('n1', ['r1'], []), strange], ['n1'])[0]?.findings).toMatchObject([{ kind: 'missing', router: 'r1' }]);
});

test('a node that tells only routers which nobody reads is in doubt where no flow was held either', () => {
  const row = { ...rowOf('n1', [], []), intended: { advertises: true, reason: null }, elsewhere: ['spine'] };
  expect(judged([{ ...row, routers: row.routers.map((at) => ({ ...at, should: false })) }])[0]).toEqual({
    findings: [],
    doubts: [{ node: 'n1', text: 'BGPPeer spine is no router that is known to be read, and no flow tells whether n1 takes any' }],
  });
});

test('a router is matched by any of its addresses, and is no peer at another one', () => {
  const asks = (address: string) => ({ advertises: true, reason: null, peers: [peerAt(address)] });
  const answers = (address: string) => NAMES.map((name) => shouldHave(asks(address), name, ROUTERS));
  expect(answers(addressOf('r2'))).toEqual([false, true, false]);
  expect(answers(addressOf('r2', 1))).toEqual([false, true, false]);
  expect(answers('10.9.9.9')).toEqual([false, false, false]);
  expect(peersElsewhere(asks('10.9.9.9'), ROUTERS, new Set())).toEqual(['peer-10.9.9.9']);
});

test.each([
  ['an older journal names no peers', undefined, ROUTERS],
  ['the environment says no addresses', [peerAt('10.0.0.1')], NAMES.map((name) => ({ name }))],
  ['a peer is on an interface', [peerAt(null)], ROUTERS],
  ['each rack’s router has the same address', [peerAt('169.254.1.1')], NAMES.map((name) => ({ name, addresses: ['169.254.1.1'] }))],
])('whether a router should have a path is not known where %s', (_, peers, routers) => {
  const intended = { advertises: true, reason: null, ...(peers && { peers }) };
  expect(shouldHave(intended, 'r1', routers)).toBeNull();
  expect(isToldAlike([intended, intended], routers)).toBeNull();
  expect(shouldHave({ ...intended, advertises: false, reason: 'noPeer' }, 'r1', routers)).toBe(false);
});

test('nodes are told alike where they tell the same routers, at whichever addresses', () => {
  const asks = (...addresses: string[]) => ({ advertises: true, reason: null, peers: addresses.map(peerAt) });
  const silent = { advertises: false, reason: 'noPeer', peers: [] };
  expect(isToldAlike([asks('10.0.0.1', '10.0.1.1'), silent, asks('fd00::1', '10.0.0.1')], ROUTERS)).toBe(true);
  expect(isToldAlike([asks('10.0.0.1'), asks('10.0.1.1')], ROUTERS)).toBe(false);
  expect(isToldAlike([asks('10.0.0.1'), asks('10.9.9.9')], ROUTERS)).toBe(false);
  expect(isToldAlike([asks('10.9.9.9'), asks('10.9.9.9')], ROUTERS)).toBeNull();
});
