// What RFC 2992 (hash-threshold ECMP, as Linux and most routers do it) predicts when one of N next hops leaves.
//
// The hash space is cut into N equal regions in the order of the next hops; without hop K it is cut anew into N - 1, so the borders of
// all the others move. FACTS: the middle hop moves the fewest flows, an end hop the most.

/**
 * Share of the flows that were *not* on the removed hop and move all the same.
 * @param n next hops before, at least 2
 * @param k position of the removed one, 1..n
 */
export function survivorsMovedShare(n: number, k: number): number {
  return ((k - 1) * (k - 2) + (n - k) * (n - k - 1)) / (2 * (n - 1) ** 2);
}

/**
 * Share of all flows that lose their hop or move (RFC 2992, section 3). On the return of hop K it is the share that moves of the flows
 * opened in its absence: the same regions change hands.
 */
export function disruptedShare(n: number, k: number): number {
  return (k * (k - 1) + (n - k) * (n - k + 1)) / (2 * n * (n - 1));
}

/** The position whose loss moves the fewest flows of others. */
export function gentlestPosition(n: number): number {
  return Math.ceil((n + 1) / 2);
}
