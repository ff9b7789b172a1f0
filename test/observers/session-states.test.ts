// Which reading of a router's BGP sessions is news.
import { describe, expect, it } from 'vitest';
import { SessionStates } from '../../src/observers/session-states.ts';

const session = (peer: string, state: string, reason = '') => ({ peer, state, reason, isShut: false });

describe('BGP sessions', () => {
  it('all are told at the first look, and only those that changed at the next', () => {
    const states = new SessionStates();
    expect(states.saw([session('a', 'Established'), session('b', 'Active')], true)).toHaveLength(2);
    expect(states.saw([session('a', 'Idle', 'Admin. shutdown'), session('b', 'Active')], false)).toEqual([
      { peer: 'a', state: 'Idle', reason: 'Admin. shutdown' },
    ]);
    expect(states.saw([session('a', 'Idle'), session('b', 'Active')], false)).toEqual([]);
  });

  it('an established session does not carry the reason of a reset long ago', () => {
    expect(new SessionStates().saw([session('a', 'Established', 'Admin. shutdown')], true)).toEqual([
      { peer: 'a', state: 'Established', reason: '' },
    ]);
  });

  it('a peer that the router forgot is told once, as idle', () => {
    const states = new SessionStates();
    states.saw([session('a', 'Established'), session('b', 'Established')], true);
    expect(states.saw([session('b', 'Established')], false)).toEqual([
      { peer: 'a', state: 'Idle', reason: 'the router no longer has this peer' },
    ]);
    expect(states.saw([session('b', 'Established')], false)).toEqual([]);
  });

  it('after blindness all are told anew', () => {
    const states = new SessionStates();
    states.saw([session('a', 'Established')], true);
    expect(states.saw([session('a', 'Established')], true)).toHaveLength(1);
  });
});
