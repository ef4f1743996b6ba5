/**
 * Says which requests could not be served for reasons that are ours: the first of a kind at once and in full, then now and
 * then how many more there were. In an outage or a rush they come by the thousand, and a line for each would cost more than
 * the answer; the line of the request says its code all the same.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { ErrorCode, FieldError } from '../shared/errors.ts';
import { pathOf } from './path-of.ts';

const tellEveryMs = 10_000;

export type NoteUnserved = (request: FastifyRequest, error: FieldError) => void;

export function createUnservedLog(log: FastifyBaseLogger, everyMs = tellEveryMs): NoteUnserved {
  /** Of each kind that was told of late: those that came since. */
  const untold = new Map<ErrorCode, number>();

  function tellLater(code: ErrorCode): void {
    untold.set(code, 0);
    const tell = () => {
      const count = untold.get(code);
      untold.delete(code);
      if (!count) return;
      log.warn({ code, count }, 'more requests not served');
      tellLater(code);
    };
    setTimeout(tell, everyMs).unref();
  }

  return (request, error) => {
    const { code } = error;
    const count = untold.get(code);
    if (count !== undefined) return void untold.set(code, count + 1);
    request.log.warn({ err: error.cause ?? error, code, url: pathOf(request.url) }, 'request not served');
    tellLater(code);
  };
}
