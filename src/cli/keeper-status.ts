// What a keeper is doing, told by itself, or by its journal where none answers.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { KeeperStatus } from '../core/keeper-messages.ts';
import { KEEPER_JOURNAL_FILE } from '../core/keeper-records.ts';
import { formatDurationMs } from '../core/units.ts';
import { monoMs } from '../io/clock.ts';
import { HaltFile } from '../keeper/halt-file.ts';
import { KeeperJournal } from '../keeper/keeper-journal.ts';
import { connectKeeper } from '../runner/keeper-client.ts';
import { keeperDoor, type PlaceFlags } from './keeper-place.ts';

const ANSWER_MS = 2_000;

export type FoundStatus = { status: KeeperStatus; /** False: told by the journal alone. */ isAnswering: boolean };

/** @returns null when there is no keeper and never was one. @throws AppError BAD_FLAG */
export async function readStatus(flags: PlaceFlags): Promise<FoundStatus | null> {
  const { socket, stateFolder } = keeperDoor(flags);
  try {
    using client = await connectKeeper(socket, { timeoutMs: 0, signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: await client.status(ANSWER_MS), isAnswering: true };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return existsSync(join(stateFolder, KEEPER_JOURNAL_FILE)) ? { status: journalStatus(stateFolder), isAnswering: false } : null;
  }
}

/** What the journal alone tells: nobody answers for it, so nobody is known to hold it, or to be armed. */
export function journalStatus(stateFolder: string): KeeperStatus {
  using journal = new KeeperJournal(stateFolder, 'keeper', monoMs);
  return {
    armed: false,
    halted: new HaltFile(stateFolder).isThere(),
    holder: null,
    leaseMs: 0,
    keeperPid: null,
    janitorPid: null,
    faults: [...journal.state.faults.values()].map(({ fault, kind, target, runId, epoch, phase, reason, isQuarantineOver }) => ({
      ...{ fault, kind, target, runId, epoch, state: phase, reason, isQuarantineOver },
      expiresInMs: null,
    })),
  };
}

/** The status for people: who holds it, then one line a fault. */
export function statusText(found: FoundStatus | null): string {
  if (found === null) return 'no keeper, and none was ever started here\n';
  const { status, isAnswering } = found;
  const { armed, holder, leaseMs, faults } = status;
  const lines = [
    ...(isAnswering
      ? [
          `keeper: ${armed ? 'armed' : 'disarmed'}, lease ${formatDurationMs(leaseMs)}`,
          holder ? `held by run ${holder.runId}, epoch ${String(holder.epoch)}` : 'held by nobody',
        ]
      : ['the journal of the keeper says:']),
    ...(status.halted ? ['HALTED: no fault is possible until `holdfast halt --lift`'] : []),
    ...(faults.length === 0 ? ['no faults'] : faults.map(faultLine)),
  ];
  return `${lines.join('\n')}\n`;
}

function faultLine({ fault, kind, target, state, reason, isQuarantineOver, expiresInMs, runId }: KeeperStatus['faults'][number]): string {
  const loud = state === 'unverified' ? 'UNVERIFIED, may still be in force' : state;
  const expiry = expiresInMs === null ? '' : `, expires in ${(expiresInMs / 1_000).toFixed(1)} s`;
  const quarantine = (state === 'verified' || state === 'gone') && !isQuarantineOver ? ', in quarantine' : '';
  return `${fault} ${kind} at ${target}: ${loud}${expiry}${quarantine}${reason === '' ? '' : ` (${reason})`}, run ${runId}`;
}
