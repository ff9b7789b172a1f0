// Monitors for tests: three nodes, two vantages, TCP and UDP flows through `web`, and what their agents send.
import type { AgentState, Chunk } from '../../../../src/core/agent-messages.ts';
import type { Environment } from '../../../../src/core/environment.ts';
import type { JournalEvent } from '../../../../src/core/journal.ts';
import type { Probe } from '../../../../src/core/probe-file.ts';
import type { MonitorSpec } from '../../../../src/core/service-file.ts';
import type { Catalogue, ServiceClock } from '../../../../src/service/parts.ts';
import { aJournal } from '../../../support/a-journal.ts';

export function aMonitorSpec(fields: Partial<MonitorSpec> = {}): MonitorSpec {
  const flows = ['tcp-hold', 'udp-twin'].map((probe) => ({ probe, vip: 'web', vantages: 'all' as const, count: 4 }));
  return { name: 'web', environment: 'three-nodes', flows, ...fields };
}

export function aCatalogue(environment: Partial<Environment> = {}): Catalogue {
  const [started] = aJournal({ vantages: ['v1', 'v2'] }).events;
  if (started?.type !== 'run.started') throw new Error('unreachable: a journal starts');
  const whole = { ...(started.environment as Environment), observers: [], ...environment };
  const probes = Object.entries(started.probes) as [string, unknown][];
  return {
    environments: new Map([[whole.name, { environment: whole, file: 'three-nodes.yaml' }]]),
    scenarios: new Map(),
    probes: new Map(
      probes.map(([name, probe]) => [
        name,
        { probe: { payloadBytes: 64, freshDialsPerSec: 8, ...(probe as object) } as Probe, file: `${name}.yaml` },
      ]),
    ),
  };
}

export function aChunk(fields: Partial<Chunk> = {}): Chunk {
  return {
    monitor: 'web',
    session: 's1',
    stream: 'life-1',
    firstSeq: 0,
    clock: { offsetMs: 0, errMs: 0 },
    events: [] as JournalEvent[],
    ...fields,
  };
}

export function anAgentState(fields: Partial<AgentState> = {}): AgentState {
  return {
    version: '0',
    machineBoot: 'boot-1',
    sentMonoMs: 0,
    clock: { offsetMs: 0, errMs: 0 },
    serial: -1,
    holdings: [],
    spoolBytes: 0,
    droppedEvents: 0,
    ...fields,
  };
}

/** Both clocks, stepped by hand together; the wall clock may be set apart. */
export class SteppedClock implements ServiceClock {
  #monoMs = 1_000_000;
  #wallMs: number;

  constructor(wallMs = Date.UTC(2026, 10, 25, 10, 58)) {
    this.#wallMs = wallMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monoMs(): number {
    return this.#monoMs;
  }

  step(ms: number): void {
    this.#monoMs += ms;
    this.#wallMs += ms;
  }

  setWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }
}
