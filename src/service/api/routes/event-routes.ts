// Word of changes as they happen, for the page and for programs.
import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import { answerHeaders } from '../answer-headers.ts';
import type { ApiParts, App } from '../api-parts.ts';
import { callerOf } from '../callers.ts';
import { streamEvents, StreamSeats } from '../event-stream.ts';
import { isStillAllowed } from '../gate.ts';

/** @param signal ends all streams */
export function eventRoutes(
  app: App,
  { announcements, limits, log, store, clock }: Pick<ApiParts, 'announcements' | 'limits' | 'log' | 'store' | 'clock'>,
  signal: AbortSignal,
): void {
  const seats = new StreamSeats(limits);
  app.get(
    '/events',
    {
      config: { permission: 'viewer' },
      schema: {
        ...{ tags: ['events'], summary: 'Changes as Server-Sent Events; resumes after the header Last-Event-ID' },
        response: {
          200: z.unknown().meta({ description: 'text/event-stream; the data of each event `change` is { topic, subject, atMs }.' }),
        },
      },
    },
    (request, reply) => {
      const giveBack = seats.take(callerOf(request).tokenId);
      if (giveBack === null) {
        throw new AppError('TOO_OFTEN', 'there are too many event streams', { remedy: 'close one that is not needed' });
      }
      // From here on the answer is ours: it has no end that Fastify could wait for.
      void reply.hijack();
      reply.raw.writeHead(200, { ...answerHeaders(), 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
      const lastId = lastIdOf(request.headers['last-event-id']);
      const mayRead = () => isStillAllowed(request, { store, clock });
      streamEvents(reply.raw, { announcements, lastId, limits, mayRead, signal })
        .catch((error: unknown) => {
          log(`an event stream failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
          reply.raw.destroy();
        })
        .finally(giveBack);
    },
  );
}

function lastIdOf(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
