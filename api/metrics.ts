/** What the API counts of itself, for Prometheus. Labels are bounded: routes and codes, never ids. */
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
      help: 'Jobs that wait or are being worked on, as admission counts them',
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
    deltas: new Counter({ name: 'field_deltas_sent_total', help: 'Deltas sent to readers', registers }),
    snapshots: new Counter({ name: 'field_snapshots_sent_total', help: 'Snapshots sent to readers', registers }),
    gapFills: new Counter({
      name: 'field_stream_heals_total',
      help: 'Gaps in a field channel that were healed',
      registers,
    }),
    slowSubscribersClosed: new Counter({
      name: 'field_streams_too_slow_total',
      help: 'Streams closed as too slow',
      registers,
    }),
    reads: new Counter({
      name: 'field_state_reads_total',
      help: 'Reads of a state, by what the cache had to say',
      labelNames: ['cache'],
      registers,
    }),
    accepted: new Counter({
      name: 'field_updates_accepted_total',
      help: 'Updates accepted, by what keeps them',
      labelNames: ['durability'],
      registers,
    }),
    adjusted: new Counter({
      name: 'field_updates_adjusted_total',
      help: 'Updates whose timestamp was ahead of the server and brought down to it',
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

/** @param readBytes what waits in this process for readers to read, asked at every scrape */
export function measureStreamBuffers({ registry }: ApiMetrics, readBytes: () => number): void {
  new Gauge({
    name: 'field_streams_buffered_bytes',
    help: 'Bytes that wait in the process for readers to read them',
    registers: [registry],
    collect() {
      this.set(readBytes());
    },
  });
}
