/** A request, its processing in the worker and the delivery to watchers form one trace, as received by an OTLP collector. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { findFreePort } from '../../dev/processes/free-port.ts';
import about from '../../package.json' with { type: 'json' };
import { openStream } from '../api/support/stream-client.ts';
import { withProcess } from '../support/processes/with-process.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { waitUntil } from '../support/wait-until.ts';

interface Span {
  readonly service: string;
  readonly version: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly { readonly traceId: string }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

type ExportedSpan = Omit<Span, 'service' | 'version' | 'attributes'> & { readonly attributes: readonly Attribute[] };

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[];
  }[];
}

/** As OTLP numbers them. */
const spanKind = { server: 2, client: 3, consumer: 5 };

/** An OTLP collector that records the spans sent to `/v1/traces`. */
async function withCollector(t: Test): Promise<{ url: string; spans: Span[] }> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...readSpans(JSON.parse(Buffer.concat(chunks).toString())));
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  // Spans are sent every five seconds, which is also when a server closes an idle connection: what is sent at that moment is lost.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

function readSpans({ resourceSpans }: Export): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = toRecord(resource.attributes);
    const [service, version] = [String(about['service.name']), String(about['service.version'])];
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ attributes, ...span }) => ({ service, version, attributes: toRecord(attributes), ...span })),
    );
  });
}

function toRecord(attributes: readonly Attribute[]) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));
}

t.test('one trace covers the request, the queue, the commit and the delivery to a socket', async (t) => {
  const collector = await withCollector(t);
  const backing = await withBacking(t);
  const port = await findFreePort();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  await withProcess(t, 'workers', backing, env);
  await withProcess(t, 'api', backing, { ...env, PORT: String(port) });
  const base = `http://127.0.0.1:${port}`;
  const isReady = async () => (await fetch(`${base}/api/health/ready`)).ok;
  await waitUntil('the API is ready', isReady, { timeoutMs: 60_000 });
  const json = { 'content-type': 'application/json' };
  const registered = await fetch(`${base}/api/devices`, { method: 'POST', headers: json, body: '{}' });
  const { token } = (await registered.json()) as { token: string };
  const watcher = await openStream(t, { address: base }, { token, field: 'global' });
  const has = (type: string) => () => watcher.messages.some((message) => message.type === type);
  await waitUntil('the watcher has the state', has('snapshot'), { timeoutMs: 60_000 });
  const clientTraceId = '0af7651916cd43dd8448eb211c80319c';
  const response = await fetch(`${base}/api/fields/global/updates`, {
    method: 'POST',
    headers: {
      ...json,
      authorization: `Bearer ${token}`,
      prefer: 'wait=20',
      traceparent: `00-${clientTraceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ updates: [setCell(1, 1, 0.5)] }),
  });
  t.equal(response.status, 200);

  const request = await waitUntil('the request span is received', () =>
    collector.spans.find(({ name }) => name === 'POST /api/fields/:field/updates'),
  );
  const ofTrace = () => collector.spans.filter(({ traceId }) => traceId === request.traceId);
  const find = (name: string | RegExp) => ofTrace().find((span) => span.name.match(name));
  await waitUntil(
    'all spans of the trace are received',
    () => find(/^commit$/) && find(/^publish$/) && find(/process/) && find(/^deliver$/),
  );
  t.ok(has('delta')(), 'the watcher has the delta');
  const commit = find(/^commit$/);
  const parents = [commit];
  for (let span = commit; span?.parentSpanId; ) {
    const { parentSpanId } = span;
    span = ofTrace().find(({ spanId }) => spanId === parentSpanId);
    parents.push(span);
  }
  t.same(
    parents.map((span) => [span?.service, span?.name]),
    [
      ['field-worker', 'commit'],
      ['field-worker', 'process updates'],
      ['field-api', 'add updates.apply-updates'],
      ['field-api', 'POST /api/fields/:field/updates'],
    ],
    'each span is the parent of the next',
  );
  t.equal(commit?.version, about.version);
  const deliver = find(/^deliver$/);
  t.match(deliver, {
    service: 'field-api',
    kind: spanKind.consumer,
    parentSpanId: find(/process/)?.spanId,
    attributes: { 'messaging.system': 'redis', 'field.id': 'global', 'field.subscribers': '1' },
  });
  t.match(request, {
    kind: spanKind.server,
    attributes: { 'http.request.method': 'POST', 'http.route': '/api/fields/:field/updates' },
  });
  const below = (parent: Span | undefined, system: string) =>
    ofTrace().find(
      ({ parentSpanId, attributes }) => parentSpanId === parent?.spanId && attributes['db.system.name'] === system,
    );
  const statement = await waitUntil('a statement of the commit is received', () => below(commit, 'postgresql'));
  t.match(statement, { service: 'field-worker', kind: spanKind.client });
  t.ok(below(find(/^publish$/), 'redis'), 'the command that publishes is in the trace');
  t.match(statement.attributes['db.query.text'], /\w+/);
  t.equal(statement.attributes['db.statement'], undefined, 'attributes have their stable names');
  const command = ofTrace().find(({ attributes }) => attributes['db.system.name'] === 'redis');
  t.match(command?.attributes, { 'db.operation.name': /^[A-Z]+$/, 'server.address': '127.0.0.1' });
  t.notMatch(JSON.stringify(collector.spans), token, 'no span contains a token');
  const roots = collector.spans.filter(({ parentSpanId, attributes }) => !parentSpanId && attributes['db.system.name']);
  t.same(roots, [], 'polling is not traced');
  t.ok(BigInt(commit?.endTimeUnixNano ?? 0) >= BigInt(commit?.startTimeUnixNano ?? 0));
  t.not(request.traceId, clientTraceId, "the client's trace is not continued");
  t.match(request.links, [{ traceId: clientTraceId }], 'the client span is linked');
  t.notOk(
    collector.spans.some(({ name }) => name.includes('/health/')),
    'health checks are not traced',
  );
});
