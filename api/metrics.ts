/** The API's Prometheus metrics; to add one, add it here. Labels must have a bounded set of values: routes and codes, never ids. */
import { Counter, Gauge, Histogram } from 'prom-client';
import { createRegistry } from '../shared/observability/process-metrics.ts';

export type ApiMetrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = createRegistry();
  const registers = [registry];
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'field_http_request_duration_seconds',
      help: 'Duration of HTTP requests, open streams aside, by route pattern, method and class of status',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    backlog: new Gauge({
      name: 'field_queue_backlog',
      help: 'Unfinished requests in the queue, as admission control counts them',
      registers,
    }),
    backlogLimit: new Gauge({
      name: 'field_queue_backlog_limit',
      help: 'The backlog above which updates are refused',
      registers,
    }),
    streams: new Gauge({
      name: 'field_streams_open',
      help: 'Open streams',
      labelNames: ['transport'],
      registers,
    }),
    deltas: new Counter({ name: 'field_deltas_sent_total', help: 'Deltas sent to subscribers', registers }),
    snapshots: new Counter({ name: 'field_snapshots_sent_total', help: 'Snapshots sent to subscribers', registers }),
    gapFills: new Counter({
      name: 'field_stream_gap_fills_total',
      help: 'Gaps in a field channel that were filled',
      registers,
    }),
    slowSubscribersClosed: new Counter({
      name: 'field_streams_too_slow_total',
      help: 'Streams closed because their client read too slowly',
      registers,
    }),
    reads: new Counter({
      name: 'field_state_reads_total',
      help: 'State reads by cache result',
      labelNames: ['cache'],
      registers,
    }),
    accepted: new Counter({
      name: 'field_updates_accepted_total',
      help: 'Updates accepted, by durability',
      labelNames: ['durability'],
      registers,
    }),
    adjusted: new Counter({
      name: 'field_updates_adjusted_total',
      help: 'Updates whose timestamp was too far ahead of the server and was clamped',
      registers,
    }),
    refused: new Counter({
      name: 'field_requests_refused_total',
      help: 'Requests and messages answered with a problem',
      labelNames: ['code'],
      registers,
    }),
  };
}

/** @param readBytes the bytes that are buffered for subscribers; called at every scrape */
export function measureStreamBuffers({ registry }: ApiMetrics, readBytes: () => number): void {
  new Gauge({
    name: 'field_streams_buffered_bytes',
    help: 'Bytes buffered in the process for subscribers',
    registers: [registry],
    collect() {
      this.set(readBytes());
    },
  });
}
