/** What Swagger UI fills in for "Try it out" works as it is: every operation is sent with its examples to a running system. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { packageFile } from '../../../shared/process/package-files.ts';
import { withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { withApi } from '../support/with-app.ts';

interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
  readonly default?: unknown;
}

interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly examples: Record<string, { value: unknown }> }>;
  };
  readonly responses: Record<string, unknown>;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

const document: Document = JSON.parse(await readFile(packageFile('docs/openapi.json'), 'utf8'));
const backing = await withBacking(t);
await withWorker(t, backing);
const api = await withApi(t, backing, { OPEN_REGISTRATION: 'true' });

/** What Swagger UI puts into the input of a parameter. */
function filledIn({ example, schema }: Parameter): unknown {
  const { $ref, ...own } = schema;
  const named = $ref ? document.components.schemas[$ref.split('/').at(-1) ?? ''] : undefined;
  return example ?? own.example ?? named?.example ?? own.default;
}

function requestOf(path: string, { parameters = [] }: Operation): { url: string; headers: Record<string, string> } {
  const filled = parameters.map((parameter) => ({ ...parameter, value: filledIn(parameter) }));
  const missing = filled.filter(({ required, value }) => required && value === undefined);
  t.same(missing, [], `${path} has an example of every parameter that it requires`);
  const given = filled.filter(({ value }) => value !== undefined);
  const of = (place: Parameter['in']): [string, string][] =>
    given.filter((each) => each.in === place).map(({ name, value }) => [name, String(value)]);
  const query = new URLSearchParams(of('query'));
  const url = of('path').reduce((filledPath, [name, value]) => filledPath.replace(`{${name}}`, value), path);
  return { url: `${api.address}${url}?${query}`, headers: Object.fromEntries(of('header')) };
}

/** A renewal needs a token that registration has issued. The others are of `phone-1`, which the examples name. */
async function tokenFor({ operationId }: Operation): Promise<string> {
  if (operationId === 'renewToken') return (await api.request('/api/devices', { body: {} })).body.token;
  return await api.createToken({ scope: ['field:read', 'field:write', 'metrics:read', 'admin'] });
}

/** The status alone: streams do not end. */
async function statusOf(method: string, path: string, operation: Operation, body?: unknown): Promise<number> {
  const { url, headers } = requestOf(path, operation);
  const response = await fetch(url, {
    method,
    headers: {
      ...headers,
      ...(operation.security?.length ? { authorization: `Bearer ${await tokenFor(operation)}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (response.status >= 400) t.comment(operation.operationId, await response.text());
  else await response.body?.cancel();
  return response.status;
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

function isExpected(status: number, { responses }: Operation): boolean {
  return status < 300 && String(status) in responses;
}

t.test('every example of a body is accepted, once and again', async (t) => {
  const writing = operations.filter(({ operation }) => operation.requestBody);
  t.ok(writing.length >= 4);
  for (const { method, path, operation } of [...writing, ...writing]) {
    const examples = Object.entries(operation.requestBody?.content['application/json']?.examples ?? {});
    t.ok(examples.length > 0, `${operation.operationId} has examples`);
    for (const [name, { value }] of examples) {
      const status = await statusOf(method, path, operation, value);
      t.ok(isExpected(status, operation), `${operation.operationId}: ${name} is answered with ${status}`);
    }
  }
});

t.test('every operation without a body is answered when it is sent with its examples', async (t) => {
  // A page cannot make the request of a WebSocket by `fetch`, and Swagger UI does not try to.
  const reading = operations.filter(({ operation }) => !operation.requestBody && !('101' in operation.responses));
  t.ok(reading.length >= 12);
  for (const { method, path, operation } of reading) {
    const status = await statusOf(method, path, operation);
    t.ok(isExpected(status, operation), `${operation.operationId} is answered with ${status}`);
  }
});
