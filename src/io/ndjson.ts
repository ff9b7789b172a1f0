// NDJSON over a stream: messages validated as they arrive, written whole.
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';

/**
 * The messages of a stream, one a line, until it ends.
 * @throws AppError PROTOCOL for a line that is no JSON or not of `schema`
 */
export async function* readMessages<Schema extends z.ZodType>(stream: Readable, schema: Schema): AsyncGenerator<z.output<Schema>> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  // A stream that is destroyed, or reset by its other end, closes without an end: readline alone would wait for ever.
  stream.once('close', () => {
    lines.close();
  });
  for await (const line of lines) {
    if (line !== '') yield parseMessage(line, schema);
  }
}

/** One line as a message. @throws AppError PROTOCOL */
export function parseMessage<Schema extends z.ZodType>(line: string, schema: Schema): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new AppError('PROTOCOL', `expected a JSON message, found: ${line.slice(0, 200)}`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'PROTOCOL',
      `message not understood at ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}: ${line.slice(0, 200)}`,
    );
  }
  return parsed.data;
}

/** Writes one message; false when the stream asks to wait. A stream that is gone takes it silently: its reader is told by `close`. */
export function writeMessage(stream: Writable, message: object): boolean {
  if (!stream.writable) return false;
  return stream.write(`${JSON.stringify(message)}\n`);
}
