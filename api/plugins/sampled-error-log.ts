/**
 * Says in the log what went wrong here: each request that failed, and of those that could not be served (in an outage or a
 * rush they come by the thousand) the first of a kind in full, then now and then how many more there were. A line for each
 * would cost more than the answer; the line of the request has its code all the same.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, type FieldError } from '../../shared/errors.ts';
import { pathOf } from '../http/strip-query.ts';

const countEveryMs = 10_000;

export type LogProblem = (request: FastifyRequest, error: FieldError) => void;

export function createProblemLog(log: FastifyBaseLogger, everyMs = countEveryMs): LogProblem {
  /** Of each code that was told of late: how many came since. */
  const untold = new Map<ErrorCode, number>();

  function countFromNow(code: ErrorCode): void {
    untold.set(code, 0);
    const tell = () => {
      const count = untold.get(code);
      untold.delete(code);
      if (!count) return;
      log.warn({ code, count }, 'more requests not served');
      countFromNow(code);
    };
    setTimeout(tell, everyMs).unref();
  }

  return (request, error) => {
    const { code } = error;
    if (errorTable[code].status < 500) return;
    const count = untold.get(code);
    if (count !== undefined) return void untold.set(code, count + 1);
    const facts = { err: error.cause ?? error, code, url: pathOf(request.url) };
    if (code === 'internal') return request.log.error(facts, 'request failed');
    request.log.warn(facts, 'request not served');
    countFromNow(code);
  };
}
