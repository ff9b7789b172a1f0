// `holdfast serve`: the service, from its files to its doors, until somebody ends it.
import { Command, InvalidArgumentError } from 'commander';
import { onInterruption } from './interruption.ts';
import { outliveReaders } from './process-family.ts';
import type { ServeFlags } from './run-service.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'Watches VIPs all day from every vantage, runs scenarios by the clock and on request, and alerts. Ctrl-C ends it in order.',
    )
    .option('--config <file>', 'a service file (default: deploy/serve.yaml: one lab, one monitor, one nightly run)')
    .option('--state <folder>', 'history, keys, journals and sockets; a second start finds everything there', 'runs/service')
    .option('--host <address>', 'where API and page listen, instead of the file’s')
    .option('--port <number>', 'their port, instead of the file’s; 0 lets the kernel choose', parsePort)
    .option('--prefix <prefix>', 'prefix of the lab’s namespaces', 'hf')
    .option('--new-admin-token', 'make and print another admin token, for when the first one is lost')
    .option('--dry-run', 'check the files, tell what would be done, and start nothing')
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  // Its log goes to a disk that may be full, or to a reader that may end before it does: neither is a reason to stop watching.
  outliveReaders();
  const { defaultServiceFile } = await import('./serve-files.ts');
  const { setUpService } = await import('./serve-setup.ts');
  const setup = setUpService(flags.config ?? defaultServiceFile(), flags);
  if (flags.dryRun) {
    const { setupText } = await import('./serve-text.ts');
    process.stdout.write(setupText(setup));
    return;
  }
  using interruption = onInterruption((isFirst) => {
    process.stderr.write(
      isFirst
        ? '\nending in order: agents, runs on the lab, API, queues, lab…\n'
        : '\nstill ending; a kill now leaves no fault behind: keepers revert\n',
    );
  });
  const { runService } = await import('./run-service.ts');
  try {
    process.exitCode = await runService(setup, flags, interruption.signal);
  } catch (error) {
    // Ended before it had begun: nothing is wrong. All else that an ending meets is told.
    const reason: unknown = interruption.signal.reason;
    if (reason === undefined || (error !== reason && !(error instanceof Error && error.cause === reason))) throw error;
    process.exitCode = 0;
  }
  process.exit(process.exitCode);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('expected a port from 0 to 65535');
  return port;
}
