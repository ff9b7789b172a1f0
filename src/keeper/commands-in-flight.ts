// Commands that a keeper started and that outlive it: frozen or hanging, they may still reach a device.
import { readdirSync, readFileSync } from 'node:fs';

/** Stands in the environment of every command of a keeper, with its state folder as value; a janitor is started without it. */
export const COMMAND_MARK = 'HOLDFAST_KEEPER_STATE';

/**
 * Pids of living commands that a keeper of `stateFolder` started and that are not children of `keeperPid`, the one that lives
 * (it answers for its own). Found by their environment, so that it does not matter who adopted them.
 */
export function commandsInFlight(stateFolder: string, keeperPid: number): number[] {
  const mark = `${COMMAND_MARK}=${stateFolder}`;
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== keeperPid && pid !== process.pid)
    .filter((pid) => {
      try {
        if (
          !readFileSync(`/proc/${String(pid)}/environ`, 'utf8')
            .split('\0')
            .includes(mark)
        )
          return false;
        const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== keeperPid;
      } catch {
        return false; // ended meanwhile, or somebody else's: the keeper's own commands can be read
      }
    });
}
