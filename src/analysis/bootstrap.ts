// The interval of an availability: a bootstrap over flows, since the exchanges of one flow fail together and are one sample.
import { seededRandom } from '../core/random.ts';

const REPLICATES = 1_000;

/** How many flows lost how many exchanges. */
export type LossClasses = ReadonlyMap<number, number>;

/**
 * The 95 % interval of 1 - lost / exchanges when `flows` flows are drawn anew, with replacement, from those that there were.
 * @param losses lost exchanges -> number of flows that lost so many; flows that lost none may be left out
 * @param size `flows` drawn in each replicate, `exchanges` of all of them together
 * @param random its own generator, so that no other draw can change the result
 */
export function bootstrapAvailability(
  losses: LossClasses,
  size: { flows: number; exchanges: number },
  seed: number,
): { low: number; high: number } {
  const flows = Math.max(1, Math.round(size.flows));
  if (size.exchanges <= 0) return { low: 0, high: 1 };
  const random = seededRandom(seed);
  const classes = [...losses].filter(([lost]) => lost > 0).sort(([a], [b]) => a - b);
  const values: number[] = [];
  for (let replicate = 0; replicate < REPLICATES; replicate += 1) {
    let left = flows;
    let weight = flows;
    let lost = 0;
    // Drawing class by class: how many of the draws still left fall into this class.
    for (const [each, count] of classes) {
      const drawn = drawBinomial(left, Math.min(1, count / weight), random);
      lost += drawn * each;
      left -= drawn;
      weight = Math.max(count, weight - count);
    }
    values.push(Math.min(1, Math.max(0, 1 - lost / size.exchanges)));
  }
  values.sort((a, b) => a - b);
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

/** A draw of Binomial(n, p): exact for up to 30 expected hits, the normal approximation above. */
function drawBinomial(n: number, p: number, random: () => number): number {
  if (n === 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - drawBinomial(n, 1 - p, random);
  if (n * p > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(n, Math.max(0, Math.round(n * p + normal * Math.sqrt(n * p * (1 - p)))));
  }
  // Devroye's waiting-time method: jumps from hit to hit, so its cost is the number of hits.
  let hits = 0;
  let position = 0;
  for (;;) {
    position += Math.floor(Math.log(1 - random()) / Math.log(1 - p)) + 1;
    if (position > n) return hits;
    hits += 1;
  }
}

/** A seed of its own for each thing that is drawn for: FNV-1a over its name, mixed with the run's seed. */
export function seedFor(runSeed: number, name: string): number {
  let hash = (0x811c9dc5 ^ runSeed) >>> 0;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
