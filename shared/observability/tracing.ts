/**
 * OpenTelemetry traces, sent as OTLP over HTTP. Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: only then are the packages
 * loaded, so that nothing is paid for what is not used.
 */
import type { Tracer } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import type { Config } from '../config/config.ts';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Logger } from '../process/logger.ts';

export interface Tracing {
  readonly api: typeof import('@opentelemetry/api');
  readonly tracer: Tracer;
  /** Carries a trace through the queue. */
  readonly telemetry: Telemetry;
  /** Whether what is under way is part of a trace that is sent. */
  isTraced(): boolean;
}

interface TracingDeps {
  /** Of the service, as the traces show it. */
  readonly name: string;
  readonly config: Config;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

const exportIntervalMs = 1000;
/** A collector that does not answer must not hold up the end of the process. */
const exportTimeoutMs = 3000;

export async function startTracing({ name, config, log, lifecycle }: TracingDeps): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (!endpoint) return undefined;
  const [api, sdk, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, resources, core, { BullMQOtel }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/core'),
      import('bullmq-otel'),
    ]);
  api.diag.setLogger(createWarnOnceLogger(log), api.DiagLogLevel.ERROR);
  const exporter = new OTLPTraceExporter({ url: tracesUrl(endpoint), timeoutMillis: exportTimeoutMs });
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': name }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter, { scheduledDelayMillis: exportIntervalMs })],
  });
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  lifecycle.onStop('traces', () => provider.shutdown());
  log.info({ ratio }, 'traces are sent');
  const isTraced = () => api.trace.getActiveSpan()?.isRecording() ?? false;
  return { api, tracer: api.trace.getTracer(name), telemetry: new BullMQOtel({ tracerName: name }), isTraced };
}

function tracesUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

/** A collector that is away says so with every batch. */
function createWarnOnceLogger(log: Logger) {
  let hasWarned = false;
  const logMessage = (message: string) => {
    log[hasWarned ? 'debug' : 'warn']({ source: 'opentelemetry' }, message);
    hasWarned = true;
  };
  return { error: logMessage, warn: logMessage, info: logMessage, debug: logMessage, verbose: logMessage };
}
