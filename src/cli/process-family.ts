// What the processes that outlive a command have in common: whose they are, and that nobody listening is no reason to end.

/** The user a lab belongs to; without root this process believes to be root, and the environment names the real one. */
export function userId(): number {
  return Number(process.env.HOLDFAST_ROOTLESS ?? process.getuid?.() ?? 0);
}

/** A keeper must outlive its starter: what it says then goes nowhere, and must not end it. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => undefined);
}
