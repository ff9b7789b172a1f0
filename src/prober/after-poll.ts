// Judging only after the sockets were read.

/**
 * Calls back once the event loop has polled its sockets twice. Timers run before the poll phase: a reply may already lie in a
 * socket when the timer that waits for it fires, and without this a prober that stalled would report such replies as lost.
 */
export function afterPoll(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}
