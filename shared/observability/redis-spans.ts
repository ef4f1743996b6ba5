/**
 * Spans for the commands that a traced request or job sends to Redis. Uses the diagnostics channel of ioredis, since
 * OpenTelemetry's instrumentation supports ioredis only up to version 5.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import type { Span, Tracer } from '@opentelemetry/api';

/** The part of a published command that is used. Arguments may be content of users, so they are not exported. */
interface CommandContext {
  readonly command: string;
  readonly database: number;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
}

/** Commands outside a trace, such as polling, get no span. @returns a function that ends the tracing */
export function traceRedis(api: typeof import('@opentelemetry/api'), tracer: Tracer): () => void {
  const spans = new WeakMap<object, Span>();
  const end = (context: object, error?: unknown) => {
    const span = spans.get(context);
    if (!span) return;
    spans.delete(context);
    if (error !== undefined) {
      span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
    }
    span.end();
  };
  const subscribers = {
    start(context: CommandContext) {
      if (!api.trace.getActiveSpan()?.isRecording()) return;
      const { command, database, serverAddress, serverPort } = context;
      const name = command.toUpperCase();
      const attributes = {
        'db.system.name': 'redis',
        'db.operation.name': name,
        'db.namespace': String(database),
        'server.address': serverAddress,
        ...(serverPort === undefined ? {} : { 'server.port': serverPort }),
      };
      spans.set(context, tracer.startSpan(name, { kind: api.SpanKind.CLIENT, attributes }));
    },
    // For a promise, this is only the end of the synchronous part.
    end() {},
    asyncStart() {},
    asyncEnd: (context: CommandContext) => end(context),
    error: (context: CommandContext & { readonly error: unknown }) => end(context, context.error),
  };
  const channel = tracingChannel<unknown, CommandContext>('ioredis:command');
  channel.subscribe(subscribers);
  return () => channel.unsubscribe(subscribers);
}
