/** Spans for the delivery of changes to the subscribers of a field, in the traces of the requests that made the changes. */
import type { Tracing } from './tracing.ts';

interface Delivery {
  readonly field: string;
  readonly subscribers: number;
  /** From the message about the changes. */
  readonly traceparents: readonly string[];
}

/** Runs a delivery, which ends when the messages have been written to the sockets or queued for them. */
export type TraceDelivery = (delivery: Delivery, deliver: () => void) => void;

export function createDeliveryTracer({ api, tracer }: Tracing): TraceDelivery {
  const { propagation, ROOT_CONTEXT, SpanKind } = api;
  return ({ field, subscribers, traceparents }, deliver) => {
    const attributes = {
      'messaging.system': 'redis',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'deliver',
      'field.id': field,
      'field.subscribers': subscribers,
    };
    const spans = traceparents.map((traceparent) =>
      tracer.startSpan(
        'deliver',
        { kind: SpanKind.CONSUMER, attributes },
        propagation.extract(ROOT_CONTEXT, { traceparent }),
      ),
    );
    try {
      deliver();
    } finally {
      for (const span of spans) span.end();
    }
  };
}
