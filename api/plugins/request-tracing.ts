/**
 * Starts a span per request and runs its handler in the span's context, so that a job that is added to the queue carries the
 * trace to the worker.
 */
import type { Context } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import type { Tracing } from '../../shared/observability/tracing.ts';
import type { App } from '../fastify-types.ts';

/** Polled by monitoring, or open without an end. */
const untracedRoutes = /^\/(metrics|api\/health\/.*|api\/fields\/:field\/(stream|events))$/;

export function addRequestTracing(app: App, { api, tracer }: Tracing): void {
  const { context, propagation, trace, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api;
  const contexts = new WeakMap<FastifyRequest, Context>();

  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers, routeOptions } = request;
    const route = routeOptions.url;
    if (!route || untracedRoutes.test(route)) return done();
    // Trace headers are untrusted: the remote span is linked, but is neither the parent nor decides about sampling.
    const remoteSpanContext = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
    const span = tracer.startSpan(
      `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route },
        links: remoteSpanContext ? [{ context: remoteSpanContext }] : [],
      },
      ROOT_CONTEXT,
    );
    contexts.set(request, trace.setSpan(ROOT_CONTEXT, span));
    done();
  });

  // Not in an earlier hook: reading the body loses the async context.
  app.addHook('preHandler', (request, _reply, done) => {
    context.with(contexts.get(request) ?? context.active(), done);
  });

  app.addHook('onResponse', (request, reply, done) => {
    const active = contexts.get(request);
    const span = active && trace.getSpan(active);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}
