/**
 * Logs requests that failed with a 5xx status. Of errors that come by the thousand in an outage or under overload, the first
 * of each code is logged in full and the others are counted; the access log still has the code of every request.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, type FieldError } from '../../shared/errors.ts';
import { stripQuery } from '../http/strip-query.ts';

const defaultIntervalMs = 10_000;

export type LogRequestError = (request: FastifyRequest, error: FieldError) => void;

export function createSampledErrorLog(log: FastifyBaseLogger, intervalMs = defaultIntervalMs): LogRequestError {
  /** The number of suppressed errors by code, for codes that were logged within the interval. */
  const suppressed = new Map<ErrorCode, number>();

  function startWindow(code: ErrorCode): void {
    suppressed.set(code, 0);
    const reportSuppressed = () => {
      const count = suppressed.get(code);
      suppressed.delete(code);
      if (!count) return;
      log.warn({ code, count }, 'suppressed request errors');
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
    request.log.warn(facts, 'request rejected');
    startWindow(code);
  };
}
