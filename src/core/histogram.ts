// A mergeable latency histogram: sparse buckets whose bounds grow by 2 %, so any quantile is within 1 %.

/** Bucket index -> count. Bucket i holds latencies in (BASE_MS * GROWTH^(i-1), BASE_MS * GROWTH^i]; bucket 0 all up to BASE_MS. */
export type Histogram = Record<string, number>;

const BASE_MS = 0.01;
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);

/** Adds one latency in ms to `histogram`, in place. */
export function recordLatency(histogram: Histogram, ms: number): void {
  const bucket = ms <= BASE_MS ? 0 : Math.ceil(Math.log(ms / BASE_MS) / LOG_GROWTH);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** Adds all of `from` to `into`, in place. */
export function mergeHistogram(into: Histogram, from: Histogram): void {
  for (const [bucket, count] of Object.entries(from)) into[bucket] = (into[bucket] ?? 0) + count;
}

/** The latency in ms that a share `q` (0..1) of the recorded ones does not exceed; null when nothing was recorded. */
export function quantileMs(histogram: Histogram, q: number): number | null {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort((a, b) => a[0] - b[0]);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= rank) return bucketMs(bucket);
  }
  return null;
}

/** The latency in ms that stands for all of a bucket: its middle, within 1 % of each. */
export function bucketMs(bucket: number): number {
  return bucket === 0 ? BASE_MS : (BASE_MS * (GROWTH ** bucket + GROWTH ** (bucket - 1))) / 2;
}
