/**
 * OpenTelemetry traces, exported as OTLP over HTTP. The packages are only loaded if OTEL_EXPORTER_OTLP_ENDPOINT is set, so
 * that disabled tracing costs nothing.
 */
import { randomUUID } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import about from '../../package.json' with { type: 'json' };
import type { Config } from '../config/config.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Logger } from '../process/logger.ts';

export interface Tracing {
  readonly api: typeof import('@opentelemetry/api');
  readonly tracer: Tracer;
  /** Propagates traces through the queue. */
  readonly telemetry: Telemetry;
  /** Whether the active span is sampled. */
  isTraced(): boolean;
}

interface TracingDeps {
  /** The service name in the traces. */
  readonly name: string;
  readonly config: Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_TRACES_SAMPLER_ARG'>;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

const exportIntervalMs = 1000;
/** Short, so that a collector that does not answer does not delay the shutdown. */
const exportTimeoutMs = 3000;
/** In characters. Statements of PostgreSQL are the longest attributes. */
const maxAttributeLength = 2048;

export async function startTracing({ name, config, log, lifecycle }: TracingDeps): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (!endpoint) return undefined;
  const [
    api,
    sdk,
    { OTLPTraceExporter },
    { AsyncLocalStorageContextManager },
    resources,
    core,
    { BullMQOtel },
    { tracePostgres },
    { traceRedis },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/core'),
    import('bullmq-otel'),
    import('./postgres-spans.ts'),
    import('./redis-spans.ts'),
  ]);
  api.diag.setLogger(createWarnOnceLogger(log), api.DiagLogLevel.ERROR);
  const exporter = new OTLPTraceExporter({ url: tracesUrl(endpoint), timeoutMillis: exportTimeoutMs });
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': name,
      'service.namespace': 'consciousness-field',
      'service.version': about.version,
      'service.instance.id': randomUUID(),
    }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanLimits: { attributeValueLengthLimit: maxAttributeLength },
    spanProcessors: [new sdk.BatchSpanProcessor(exporter, { scheduledDelayMillis: exportIntervalMs })],
  });
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  const tracer = api.trace.getTracer(name, about.version);
  tracePostgres(provider);
  lifecycle.onStop('traces of Redis', traceRedis(api, tracer));
  lifecycle.onStop('traces', () => provider.shutdown());
  log.info({ ratio }, 'tracing enabled');
  const isTraced = () => api.trace.getActiveSpan()?.isRecording() ?? false;
  return { api, tracer, telemetry: new BullMQOtel({ tracerName: name }), isTraced };
}

function tracesUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

/** The exporter logs an error for every batch while the collector is unavailable; only the first is logged as a warning. */
function createWarnOnceLogger(log: Logger) {
  let hasWarned = false;
  const logMessage = (message: string) => {
    log[hasWarned ? 'debug' : 'warn']({ source: 'opentelemetry' }, message);
    hasWarned = true;
  };
  return { error: logMessage, warn: logMessage, info: logMessage, debug: logMessage, verbose: logMessage };
}
