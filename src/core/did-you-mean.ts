// "Did you mean …?": the nearest of the words that would have been right.

/** The candidate that takes the fewest slips of the keyboard to reach, else the only one that begins so; null when none is near. */
export function didYouMean(found: string, candidates: readonly string[]): string | null {
  // In a word of two letters, one slip is another word.
  const allowed = found.length < 3 ? 0 : Math.max(1, Math.floor(found.length / 3));
  let best: { word: string; slips: number } | null = null;
  for (const word of candidates) {
    const slips = editDistance(found.toLowerCase(), word.toLowerCase());
    if (slips <= allowed && (best === null || slips < best.slips)) best = { word, slips };
  }
  if (best) return best.word;
  const [longer, ...others] = candidates.filter((word) => found.length >= 3 && word.toLowerCase().startsWith(found.toLowerCase()));
  return longer !== undefined && others.length === 0 ? longer : null;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
