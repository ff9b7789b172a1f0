import { expect, test } from 'vitest';
import { analyse } from '../../../src/analysis/analyse.ts';
import { aJournal } from '../../support/a-journal.ts';

test('of two Deployments behind a VIP each has its own rollout, and an end is a step of that of its own pod alone', () => {
  const pods = ['web-1@n1', 'web-2@n2', 'web-canary-1@n3'];
  const canary = { name: 'web-canary', replicas: 1, updated: 1, available: 1 };
  const journal = aJournal({ policy: 'cluster' })
    .set(100, ['n1', 'n2', 'n3'])
    .endpoints(100, pods)
    .deployment(100)
    .deployment(100, canary)
    .deployment(5_000, { generation: 2, updated: 0 })
    .deployment(5_100, { ...canary, available: 0 })
    .deployment(5_200, canary)
    .endpoints(6_000, ['web-2@n2', 'web-canary-1@n3', 'web-3@n1'])
    .endpoints(7_000, ['web-2@n2', 'web-3@n1'])
    .deployment(9_000, { generation: 2 });
  journal.flow({ ingress: 'n1' });
  const rows = analyse(journal.end(20_000)).report.events.flatMap(({ causes = [] }) => causes);
  expect(rows.map(({ what }) => what)).toEqual([
    'rollout of web, step 1: the pod web-1 on n1 ended',
    'n3 lost its last ready endpoint (web-canary-1)',
  ]);
});
