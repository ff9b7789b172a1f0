// What one caller may ask of the service: sizes, rates and patience. Chosen on purpose, since the defaults of Node and Fastify are generous.

const MIB = 2 ** 20;

export const LIMITS = {
  /** Of a body, unless its route says otherwise: our largest is a monitor's spec. */
  bodyBytes: 64 * 1024,
  /** Of a hook's call: an Alertmanager sends all alerts of a group. */
  hookBytes: 512 * 1024,
  /** Of an agent's chunk, packed and unpacked alike: an endless archive of zeros is cut here. */
  chunkBytes: 8 * MIB,
  /** Time for a request's header, and for the whole of it; a chunk over a slow line is 8 MiB in this time. */
  headersMs: 5_000,
  requestMs: 30_000,
  /** How often the two are looked at; Node's own default is 30 s, which lets a slow body live for a minute. */
  checkMs: 1_000,
  /** An idle connection between two requests, and one on which nothing moves at all. */
  keepAliveMs: 15_000,
  silenceMs: 60_000,
  requestsPerSocket: 1_000,
  connections: 512,
  headers: 64,
  /** Event streams at once, of all callers and of one. */
  streams: 64,
  streamsPerCaller: 8,
  /** A comment this often keeps a stream alive through proxies, and finds readers that are gone. */
  heartbeatMs: 15_000,
  /** How long a reader of events may leave a batch unread before it is dropped; it comes back with its Last-Event-ID. */
  unreadMs: 20_000,
  /** Requests a minute: of an address without a token, of one that shows wrong tokens or secrets, of a token, of an agent's token. */
  strangerPerMinute: 300,
  wrongTokensPerMinute: 20,
  callerPerMinute: 1_200,
  agentPerMinute: 6_000,
  /** Valid calls of a hook: whoever shares an address with its caller takes none of them away. */
  hookPerMinute: 600,
} as const;

/** The limits with some of them replaced: tests cannot wait for the real ones. */
export type Limits = Readonly<Record<keyof typeof LIMITS, number>>;
