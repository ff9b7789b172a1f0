// What keeper, janitor, recovery and status all know of the faults: a pure fold over the lines of the keeper's journal.
import type { KeeperRecord, KeeperRecordOf } from '../core/keeper-records.ts';

export type FaultPhase = 'intent' | 'in-force' | 'lost' | 'reverting' | 'verified' | 'unverified' | 'gone';

/** One fault: its intent, and what became of it. */
export type FaultState = {
  epoch: number;
  fault: string;
  kind: string;
  target: string;
  params: Record<string, unknown>;
  forMs: number;
  deadlineMs: number;
  preState: unknown;
  runId: string;
  t0MonoMs: number;
  machineBoot: string;
  phase: FaultPhase;
  /** Why it is in that phase; empty when that needs no reason. */
  reason: string;
  /** CLOCK_MONOTONIC of the last change. */
  sinceMs: number;
  isQuarantineOver: boolean;
};

export type KeeperState = {
  /** The last epoch ever issued; 0: none. */
  epoch: number;
  /** The run that took the environment and has not given it back. */
  holder: KeeperRecordOf<'acquired'> | null;
  /** By `keyOf`, oldest first. */
  faults: ReadonlyMap<string, FaultState>;
  janitor: { pid: number; startTicks: string; machineBoot: string } | null;
};

export const EMPTY_STATE: KeeperState = { epoch: 0, holder: null, faults: new Map(), janitor: null };

/** The key of a fault: its epoch (one run) and its name in that run. */
export function keyOf(ref: { epoch: number; fault: string }): string {
  return `${String(ref.epoch)}/${ref.fault}`;
}

/** May still disturb its target. */
export function isOpen(fault: FaultState): boolean {
  return fault.phase !== 'verified' && fault.phase !== 'gone';
}

/** Nothing is left to do about it. */
export function isOver(fault: FaultState): boolean {
  return !isOpen(fault) && fault.isQuarantineOver;
}

/** The state after one more line. A line that tells nothing new returns the very same state. */
export function afterRecord(state: KeeperState, line: KeeperRecord): KeeperState {
  switch (line.type) {
    case 'acquired':
      return line.epoch > state.epoch
        ? { ...state, epoch: line.epoch, holder: line, faults: new Map([...state.faults].filter(([, fault]) => !isOver(fault))) }
        : state;
    case 'released':
      return state.holder?.epoch === line.epoch ? { ...state, holder: null } : state;
    case 'janitor.started':
      return { ...state, janitor: { pid: line.pid, startTicks: line.startTicks, machineBoot: line.machineBoot } };
    case 'fault.intent': {
      if (state.holder?.epoch !== line.epoch || state.faults.has(keyOf(line))) return state;
      const { kind, target, params, forMs, deadlineMs, preState, epoch, fault } = line;
      const { runId, t0MonoMs, machineBoot } = state.holder;
      return withFault(state, {
        ...{ epoch, fault, kind, target, params, forMs, deadlineMs, preState, runId, t0MonoMs, machineBoot },
        ...{ phase: 'intent', reason: '', sinceMs: line.atMs, isQuarantineOver: false },
      });
    }
    case 'quarantine.over': {
      const fault = state.faults.get(keyOf(line));
      return fault && !isOpen(fault) && !fault.isQuarantineOver ? withFault(state, { ...fault, isQuarantineOver: true }) : state;
    }
    case 'fault.in-force':
    case 'fault.lost':
    case 'fault.reverting':
    case 'fault.verified':
    case 'fault.unverified':
    case 'fault.gone': {
      const fault = state.faults.get(keyOf(line));
      const phase = line.type.slice('fault.'.length) as FaultPhase;
      if (!fault || !FROM[phase].includes(fault.phase)) return state;
      const reason = 'reason' in line && typeof line.reason === 'string' ? line.reason : '';
      return withFault(state, { ...fault, phase, reason, sinceMs: line.atMs, isQuarantineOver: false });
    }
  }
}

/**
 * The phases each one may follow; any other line is a late one of somebody who was frozen, and tells nothing.
 * `reverting` after `verified`: the fault came back (a command in flight arrived) and is reverted once more.
 */
const FROM: Record<FaultPhase, readonly FaultPhase[]> = {
  intent: [],
  'in-force': ['intent'],
  lost: ['in-force'],
  reverting: ['intent', 'in-force', 'lost', 'verified'],
  verified: ['reverting', 'unverified'],
  unverified: ['reverting'],
  gone: ['intent', 'in-force', 'lost', 'reverting', 'unverified', 'verified'],
};

function withFault(state: KeeperState, fault: FaultState): KeeperState {
  return { ...state, faults: new Map(state.faults).set(keyOf(fault), fault) };
}

/** When a fault expires by itself: at its deadline, or when its lease was not renewed. */
export function expiryMs(fault: Pick<FaultState, 'deadlineMs'>, lastRenewalMs: number, leaseMs: number): number {
  return Math.min(fault.deadlineMs, lastRenewalMs + leaseMs);
}
