/** Responds with lines of JSON that are rendered while they are sent. Counts as an open stream of the caller. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../rate-limits/caller.ts';
import type { RateLimits } from '../rate-limits/rate-limits.ts';

/** A reader that takes nothing for this long is disconnected. */
const maxIdleMs = 60_000;

/** Also of a response to `HEAD`. */
export const linesHeaders = {
  'content-type': 'application/x-ndjson; charset=utf-8',
  'cache-control': 'no-store',
} as const;

interface SendLinesDeps {
  readonly limits: Pick<RateLimits, 'newStreams' | 'streams'>;
  readonly caller: Caller;
  /** Logged when the response ends without all lines. */
  readonly endedEarly: string;
  /** @param signal aborts when the reader disconnects */
  readonly render: (signal: AbortSignal) => AsyncIterable<string>;
}

/**
 * Send `linesHeaders` with it.
 * @throws FieldError `rate_limited` if the caller has too many streams
 */
export async function sendLines(
  reply: FastifyReply,
  { limits, caller, endedEarly, render }: SendLinesDeps,
): Promise<FastifyReply> {
  limits.newStreams.consume(caller, 1);
  await limits.streams.reserve(caller);
  limits.streams.add(caller);
  const gone = new AbortController();
  const body = Readable.from(render(gone.signal), { objectMode: false });
  reply.raw.setTimeout(maxIdleMs, () => body.destroy(new Error('the reader takes nothing')));
  body.once('close', () => {
    gone.abort();
    limits.streams.remove(caller);
  });
  body.on('error', (err) => reply.request.log.debug({ err }, endedEarly));
  return reply.send(body);
}
