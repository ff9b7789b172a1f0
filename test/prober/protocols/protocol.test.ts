// What the error of a socket says: of the path, or of the prober alone.
import { expect, test } from 'vitest';
import { troubleOf } from '../../../src/prober/protocols/protocol.ts';

const kindOf = (code: string) => troubleOf(Object.assign(new Error(code), { code }), true).kind;

test('only what this machine alone can have caused is the prober’s own failure', () => {
  for (const code of ['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN']) expect(kindOf(code)).toBe('own');
});

test('a destination that is forbidden is unreachable: ICMPv6 "administratively prohibited" of a router is told as EACCES', () => {
  for (const code of ['EACCES', 'EPERM', 'EINVAL', 'EHOSTUNREACH', 'ENETUNREACH']) expect(kindOf(code)).toBe('unreachable');
});
