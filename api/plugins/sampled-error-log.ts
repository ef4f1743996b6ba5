/**
 * Says in the log what went wrong here: each request that failed, and of those that could not be served (in an outage or a
 * rush they come by the thousand) the first of a kind in full, then now and then how many more there were. A line for each
 * would cost more than the answer; the line of the request has its code all the same.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, type FieldError } from '../../shared/errors.ts';
import { stripQuery } from '../http/strip-query.ts';

const defaultIntervalMs = 10_000;

export type LogRequestError = (request: FastifyRequest, error: FieldError) => void;

export function createSampledErrorLog(log: FastifyBaseLogger, intervalMs = defaultIntervalMs): LogRequestError {
  /** Of each code that was told of late: how many came since. */
  const suppressed = new Map<ErrorCode, number>();

  function startWindow(code: ErrorCode): void {
    suppressed.set(code, 0);
    const reportSuppressed = () => {
      const count = suppressed.get(code);
      suppressed.delete(code);
      if (!count) return;
      log.warn({ code, count }, 'more requests not served');
      startWindow(code);
    };
    setTimeout(reportSuppressed, intervalMs).unref();
  }

  return (request, error) => {
    const { code } = error;
    if (errorTable[code].status < 500) return;
    const count = suppressed.get(code);
    if (count !== undefined) return void suppressed.set(code, count + 1);
    const facts = { err: error.cause ?? error, code, url: stripQuery(request.url) };
    if (code === 'internal') return request.log.error(facts, 'request failed');
    request.log.warn(facts, 'request not served');
    startWindow(code);
  };
}
