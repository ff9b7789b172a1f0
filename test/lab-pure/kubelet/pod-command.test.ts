// Command lines and variables of pods, expanded as Kubernetes expands them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandOf, expand, POD_VARIABLE } from '../../../src/lab/kubelet/pod-command.ts';
import { aPodPlan } from '../../support/a-pod.ts';

const ADDRESSES = { podIps: ['10.77.21.4', 'fd77:0:0:15::4'], hostIps: ['10.77.1.11'] };

test('variables come from values, from those before them and from fields of the pod', () => {
  const from = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const plan = aPodPlan({
    metadata: { uid: 'u-1', namespace: 'default', name: 'web-1', labels: { app: 'web' } },
    container: {
      command: ['holdfast', '--node', '$(NODE)'],
      args: ['--at', '$(WHERE)', '$(NOBODY)', '$$(NODE)'],
      env: [
        { name: 'NODE', ...from('spec.nodeName') },
        { name: 'POD', ...from('metadata.name') },
        { name: 'SPACE', ...from('metadata.namespace') },
        { name: 'IP', ...from('status.podIP') },
        { name: 'IPS', ...from('status.podIPs') },
        { name: 'HOST', ...from('status.hostIP') },
        { name: 'APP', ...from("metadata.labels['app']") },
        { name: 'WHERE', value: '$(SPACE)/$(POD) on $(NODE), not $(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'PATH', value: '/own' },
      ],
    },
  });
  expect(commandOf(plan, ADDRESSES, { PATH: '/bin', HOME: '/' })).toEqual({
    argv: ['holdfast', '--node', 'n1', '--at', 'default/web-1 on n1, not $(LATER)', '$(NOBODY)', '$(NODE)'],
    env: {
      ...{ PATH: '/own', HOME: '/', [POD_VARIABLE]: 'u-1' },
      ...{ NODE: 'n1', POD: 'web-1', SPACE: 'default', APP: 'web' },
      ...{ IP: '10.77.21.4', IPS: '10.77.21.4,fd77:0:0:15::4', HOST: '10.77.1.11' },
      ...{ WHERE: 'default/web-1 on n1, not $(LATER)', LATER: 'x' },
    },
  });
});

test('the mark by which processes are found cannot be taken away by a pod', () => {
  const plan = aPodPlan({ container: { env: [{ name: POD_VARIABLE, value: 'another' }] } });
  expect(commandOf(plan, ADDRESSES, {}).env[POD_VARIABLE]).toBe('u-1');
});

test.each([
  ['$(A)$(A)', '11'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$(B)', '$(B)'],
  ['$(A', '$(A'],
  ['$', '$'],
  ['$()', '$()'],
  ['$(toString)', '$(toString)'],
])('%s becomes %s', (text, expected) => {
  expect(expand(text, { A: '1' })).toBe(expected);
});

test('a text without a dollar stays, and one whose dollars are doubled comes out as it was', () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.string()), (text, variables) => {
      expect(expand(text.replaceAll('$', ''), variables)).toBe(text.replaceAll('$', ''));
      expect(expand(text.replaceAll('$', '$$$$'), variables)).toBe(text);
    }),
  );
});
