/** Spans for the statements that traced requests and jobs send to PostgreSQL, by OpenTelemetry's instrumentation of pg. */
import { createRequire } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';

/**
 * Patches the client of `pg` for this process. Spans have the text of a statement with `$1` for its values, so that no content of
 * users is exported. Statements outside a trace, such as polling, get no span.
 */
export function tracePostgres(provider: TracerProvider): void {
  // Selects the stable names of attributes (db.system.name, db.query.text), which are not the default yet.
  process.env.OTEL_SEMCONV_STABILITY_OPT_IN ??= 'database';
  const instrumentation = new PgInstrumentation({ requireParentSpan: true, ignoreConnectSpans: true });
  instrumentation.setTracerProvider(provider);
  // The instrumentation patches only what `require` loads. Modules import pg, but get the same client, whose prototype is patched.
  createRequire(import.meta.url)('pg');
}
