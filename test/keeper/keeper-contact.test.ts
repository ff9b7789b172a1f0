// How a janitor tells a keeper that answers from one that only exists.
import { expect, test } from 'vitest';
import { KeeperContact } from '../../src/keeper/keeper-contact.ts';

function aContact(): { contact: KeeperContact; pings: number[]; die: () => void } {
  const pings: number[] = [];
  let isAlive = true;
  const contact = new KeeperContact(
    { pid: 1, startTicks: '1' },
    () => isAlive,
    (ping) => pings.push(ping),
  );
  return { contact, pings, die: () => (isAlive = false) };
}

test('a keeper is silent until it answers, and again when it stops', () => {
  const { contact, pings } = aContact();
  expect(contact.state(0)).toBe('silent');
  contact.take({ op: 'pong', ping: pings.at(-1) ?? 0, isQuiet: true });
  expect(contact.state(100)).toBe('answering');
  expect(contact.state(1_100)).toBe('silent');
});

test('an answer counts from the question: one that lay in a pipe while the keeper was frozen says nothing about now', () => {
  const { contact, pings } = aContact();
  contact.state(0);
  contact.state(5_000);
  contact.take({ op: 'pong', ping: pings[0] ?? 0, isQuiet: true });
  expect(contact.state(5_001)).toBe('silent');
});

test('a keeper that injects while it answers counts as silent', () => {
  const { contact, pings } = aContact();
  contact.state(0);
  contact.take({ op: 'pong', ping: pings[0] ?? 0, isQuiet: false });
  expect(contact.state(10)).toBe('silent');
});

test('a keeper that ended is gone, whatever it had answered', () => {
  const { contact, pings, die } = aContact();
  contact.state(0);
  contact.take({ op: 'pong', ping: pings[0] ?? 0, isQuiet: true });
  die();
  expect(contact.state(10)).toBe('gone');
});
