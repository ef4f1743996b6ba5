/** Validates requests against zod schemas and answers every error of a request with a problem. Routes only throw. */
import type { FastifySchemaCompiler } from 'fastify';
import type { FastifyRouteSchemaDef } from 'fastify/types/schema.js';
import type { z } from 'zod';
import { toInputErrors } from '../../shared/contract/problem.ts';
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import { sendProblem, toFieldError } from '../http/problem-response.ts';
import type { ApiMetrics } from '../metrics.ts';
import { createSampledErrorLog } from './sampled-error-log.ts';

interface ErrorHandlerDeps {
  readonly metrics: Pick<ApiMetrics, 'refused'>;
  /** Whether the message of an internal error is sent to the client. For development only: it may contain data. */
  readonly showDetails: boolean;
  /** How often the log reports the number of suppressed errors. */
  readonly reportIntervalMs?: number;
}

export function addErrorHandler(app: App, { metrics, showDetails, reportIntervalMs }: ErrorHandlerDeps): void {
  app.setValidatorCompiler<z.ZodType>(compileValidator);
  const logRequestError = createSampledErrorLog(app.log, reportIntervalMs);
  app.setErrorHandler((thrown, request, reply) => {
    const error = toFieldError(thrown);
    metrics.refused.inc({ code: error.code });
    logRequestError(request, error);
    return sendProblem(reply, showDetails ? withDetail(error) : error);
  });
}

/** For the small parts of a request. */
const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const prefix = httpPart === undefined || httpPart === 'body' ? '' : `/${toLocationName(httpPart)}`;
  return (data) => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return { value: parsed.data };
    return { error: new FieldError('invalid_input', { errors: toInputErrors(parsed.error, prefix) }) };
  };
};

/** For routes that validate their body themselves, because validating it with the schema alone would cost too much. */
export const compileUnlessBody: FastifySchemaCompiler<unknown> = (route) =>
  route.httpPart === 'body' ? (value) => ({ value }) : compileValidator(route as FastifyRouteSchemaDef<z.ZodType>);

function withDetail(error: FieldError): FieldError {
  const { code, cause } = error;
  return code === 'internal' && cause instanceof Error ? new FieldError(code, { detail: cause.message, cause }) : error;
}

/** OpenAPI's names for Fastify's request parts. */
const locationNames: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'headers' };

function toLocationName(httpPart: string): string {
  return locationNames[httpPart] ?? httpPart;
}
