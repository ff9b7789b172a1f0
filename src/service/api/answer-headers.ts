// Headers of every answer: what a browser may do with it, and with nothing of anybody else's.
import type { FastifyInstance } from 'fastify';

const PAGE_POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "font-src 'none'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

/**
 * Of a run's report, a page of its own with style and script inside: it brings a policy that names their hashes, and is put into an
 * origin of its own here, so that whatever a report may contain is not one of ours.
 */
export const REPORT_POLICY = [
  'sandbox allow-scripts allow-downloads',
  "default-src 'none'",
  ...["script-src 'unsafe-inline'", "style-src 'unsafe-inline'", 'img-src data:', "base-uri 'none'", "form-action 'none'"],
  "frame-ancestors 'none'",
].join('; ');

export function addAnswerHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(answerHeaders());
    done();
  });
}

/** Handlers that write their answer by themselves send these too. */
export function answerHeaders(): Record<string, string> {
  return {
    'content-security-policy': PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    // What the API tells belongs to who asked; the page's own files say otherwise.
    'cache-control': 'no-store',
  };
}
