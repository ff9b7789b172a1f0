// The programs of a cluster lab, built before a lab needs them: in the machine's own network, since a lab's has no way out.
import { join } from 'node:path';
import type { EnvironmentFile } from '../core/environment.ts';
import { onInterruption } from './interruption.ts';
import { deployFolder } from './self.ts';

/**
 * Builds what a lab with a cluster needs and this machine has not: minutes, the first time. Other environments need nothing.
 * Ends this process when it is interrupted meanwhile.
 * @param onProgress told of each line that the build says
 * @throws AppError COMMAND_MISSING without Go, COMMAND_FAILED with what the build said
 */
export async function ensurePrograms(file: EnvironmentFile, onProgress: (line: string) => void): Promise<void> {
  if (!('lab' in file) || !file.lab.cluster) return;
  const { metallb } = file.lab.cluster;
  const { buildPrograms } = await import('../lab/programs.ts');
  using interruption = onInterruption();
  try {
    await buildPrograms({ sources: join(deployFolder(), 'lab', 'programs'), metallb, signal: interruption.signal, onProgress });
  } catch (error) {
    if (interruption.exitCode === null) throw error;
    process.exit(interruption.exitCode);
  }
}
