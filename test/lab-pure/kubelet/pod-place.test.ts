// Where pods are put: addresses, links, and slots that come back as late as possible.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isPodNamespace,
  markBatch,
  nextSlot,
  podBatch,
  podLinkBatch,
  podPlace,
  podRouteBatch,
} from '../../../src/lab/kubelet/pod-place.ts';

const place = podPlace({ prefix: 'hf' }, { name: 'n1', podCidrs: ['10.77.21.0/24', 'fd77:0:0:15::/64'] }, 20);

test('a pod has an address of each family, and a namespace and a port that tell its slot', () => {
  expect(place).toEqual({ slot: 20, netns: 'hf-p-n1-20', port: 'p20', addresses: ['10.77.21.20', 'fd77:0:0:15::14'] });
  expect(isPodNamespace('hf-p-n1-20', 'hf', 'n1')).toBe(true);
  for (const other of ['hf-p-n11-20', 'hf-n1', 'hf2-p-n1-20', 'hf-p-n1-x']) expect(isPodNamespace(other, 'hf', 'n1')).toBe(false);
});

test('its namespace is marked before anything else, and the node’s end of its link gets no IPv4 address', () => {
  expect(markBatch('hf')).toBe('link set lo alias holdfast-lab-hf\nlink set lo up\n');
  expect(podLinkBatch(place)).toBe('link add p20 address ee:ee:ee:ee:ee:ee type veth peer name eth0 netns hf-p-n1-20\n');
  expect(podRouteBatch(place).split('\n')).toEqual([
    'link set p20 up',
    'addr add fe80::1/64 dev p20 nodad',
    'route replace 10.77.21.20/32 dev p20',
    'route replace fd77:0:0:15::14/128 dev p20',
    '',
  ]);
  expect(podBatch(place)).toContain('route add default via 169.254.1.1 dev eth0\n');
});

test('a slot is never one that is taken, and every other comes first before one comes again', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 2, max: 250 }), { maxLength: 248 }), fc.integer({ min: 0, max: 250 }), (taken, last) => {
      const slots: number[] = [];
      for (let at = last; slots.length < 249 - taken.length;) {
        const slot = nextSlot(at, new Set(taken));
        if (slot === null) throw new Error('no slot, and some are free');
        slots.push(slot);
        at = slot;
      }
      expect(new Set([...slots, ...taken]).size).toBe(249);
    }),
  );
});

test('where all are taken there is none', () => {
  expect(nextSlot(9, new Set(Array.from({ length: 249 }, (_, index) => index + 2)))).toBeNull();
});
