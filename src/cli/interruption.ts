// Ctrl-C, SIGTERM and a closed terminal as one abort signal, and the exit code that tells which it was.

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** `exitCode` is null until a signal came; disposing gives the signals back. */
export type Interruption = Disposable & { signal: AbortSignal; readonly exitCode: number | null };

/** Aborts at the first of these signals. @param onSignal told of each one, and whether it is the first */
export function onInterruption(onSignal: (isFirst: boolean) => void = () => undefined): Interruption {
  const controller = new AbortController();
  let code: number | null = null;
  const listeners = Object.entries(EXIT_CODES).map(([name, exitCode]) => {
    const listener = () => {
      onSignal(code === null);
      code ??= exitCode;
      controller.abort(new Error('interrupted'));
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return code;
    },
    [Symbol.dispose]: () => {
      for (const { name, listener } of listeners) process.removeListener(name, listener);
    },
  };
}
