/** Spans for the statements that a traced request or job sends to PostgreSQL, by OpenTelemetry's instrumentation of pg. */
import { createRequire } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';

/**
 * Patches the client of `pg` for this process. Spans have the text of a statement with `$1` for its values, so that nothing that
 * users wrote is exported. Statements outside of a trace, such as polling, get none.
 */
export function tracePostgres(provider: TracerProvider): void {
  // The stable names of attributes (db.system.name, db.query.text), which the instrumentation does not use by itself yet.
  process.env.OTEL_SEMCONV_STABILITY_OPT_IN ??= 'database';
  const instrumentation = new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true });
  instrumentation.setTracerProvider(provider);
  // The instrumentation patches what passes `require`. Modules import pg, but get the same client, whose prototype is patched.
  createRequire(import.meta.url)('pg');
}
