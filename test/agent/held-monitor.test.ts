// One monitor at an agent: what a prober that cannot even be started leaves behind.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HeldMonitor } from '../../src/agent/held-monitor.ts';
import { ServiceClock } from '../../src/agent/service-clock.ts';
import { Spool } from '../../src/agent/spool.ts';
import { monoMs } from '../../src/io/clock.ts';
import { eventually } from '../support/eventually.ts';
import { aHolding } from './a-service.ts';

it('leaves no stream of a prober that cannot be started', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-held-'));
  const spool = new Spool({ folder, maxBytes: 1e9, newStream: () => 'st', log: () => undefined });
  const startProber = () => {
    throw new Error('spawn EAGAIN');
  };
  const tools = { startProber, spool, clock: new ServiceClock('boot'), key: '', now: monoMs, log: () => undefined };
  {
    await using held = new HeldMonitor(aHolding(1, { serviceBoot: 'boot' }), tools, Promise.resolve());
    await eventually(() => {
      expect(held.report).toMatchObject({ state: 'restarting', why: 'spawn EAGAIN' });
    });
    expect(spool.pending()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  }
  rmSync(folder, { recursive: true });
});
