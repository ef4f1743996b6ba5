/**
 * Completes the OpenAPI document that is generated from the routes: adds the headers, which hooks and handlers set, and examples
 * of requests, and removes the schemas that only other documents use.
 */
import { maxWaitSeconds } from '../http/prefer-header.ts';
import { bodyExamples, parameterExamples } from './request-examples.ts';

interface HeaderObject {
  readonly description: string;
  readonly schema: { readonly type: 'string' | 'integer' };
  readonly example?: string | number;
}

const requestHeaders = {
  prefer: header(
    `\`wait=SECONDS\`, ${maxWaitSeconds} at most: wait for the results. \`priority=low\`: apply the updates after all others`,
    'wait=10',
  ),
  'if-none-match': header('The `ETag` that the client has', '"12.9f86d081884c7d65"'),
  'last-event-id': header('The cursor to resume from; takes precedence over `after`', '12.9f86d081884c7d65'),
} as const;

const responseHeaders = {
  etag: header('The cursor of the state', '"12.9f86d081884c7d65"'),
  'x-cache': header('Whether the state was in the cache: `hit`, `miss`, or `bypass` for an earlier state', 'hit'),
  'preference-applied': header('The preferences that the server has applied', 'wait=10'),
  'retry-after': header('Seconds until a retry makes sense', 5),
  ratelimit: header(
    'The remainder of a limit, in the format of draft-ietf-httpapi-ratelimit-headers',
    '"updates";r=290;t=9',
  ),
  'ratelimit-policy': header('The limit and its window in seconds', '"updates";q=300;w=10'),
} as const;

interface OperationHeaders {
  readonly request?: readonly (keyof typeof requestHeaders)[];
  /** The headers of successful responses. */
  readonly response?: readonly (keyof typeof responseHeaders)[];
}

const operations: Readonly<Record<string, OperationHeaders>> = {
  sendUpdates: { request: ['prefer'], response: ['preference-applied'] },
  readState: { request: ['if-none-match'], response: ['etag', 'x-cache'] },
  followByEvents: { request: ['last-event-id'] },
};

/** The parts of a document that are read and changed here. */
interface Operation {
  readonly operationId?: string;
  readonly security?: readonly unknown[];
  readonly responses?: Record<string, { headers?: Record<string, HeaderObject> }>;
  readonly requestBody?: { readonly content?: Readonly<Record<string, { examples?: object }>> };
  parameters?: { readonly name?: string; example?: unknown }[];
}
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Record<string, unknown> };
}

/** @returns the same document, with headers and examples of requests */
export function completeOperations<Document extends OpenApiDocument>(document: Document): Document {
  for (const methods of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(methods)) {
      describeHeaders(operation);
      addExamples(operation);
    }
  }
  return document;
}

/**
 * @returns a document without components that nothing refers to, and with one component for both directions where the schemas of
 * input and output are equal
 */
export function removeUnusedSchemas<Document extends OpenApiDocument>(document: Document): Document {
  const schemas = document.components?.schemas ?? {};
  const equal = Object.keys(schemas).filter((name) => {
    const shared = schemas[name.replace(/Input$/, '')];
    return name.endsWith('Input') && JSON.stringify(schemas[name]) === JSON.stringify(shared);
  });
  const merge = (text: string) =>
    equal.reduce((merged, name) => merged.replaceAll(ref(name), ref(name.slice(0, -5))), text);
  const merged = JSON.parse(merge(JSON.stringify(document))) as Document;
  removeUnreferenced(merged);
  return merged;
}

function removeUnreferenced(document: OpenApiDocument): void {
  const schemas = document.components?.schemas ?? {};
  const text = JSON.stringify(document);
  const unused = Object.keys(schemas).filter((name) => !text.includes(ref(name)));
  for (const name of unused) delete schemas[name];
  // Components that only the removed ones referred to are now unused as well.
  if (unused.length > 0) removeUnreferenced(document);
}

function ref(name: string): string {
  return `"#/components/schemas/${name}"`;
}

function describeHeaders(operation: Operation): void {
  const { operationId = '', security = [], responses = {} } = operation;
  const { request = [], response = [] } = operations[operationId] ?? {};
  const parameters = request.map((name) => ({ in: 'header', name, ...requestHeaders[name] }));
  if (parameters.length > 0) operation.parameters = [...(operation.parameters ?? []), ...parameters];
  const limits = security.length > 0 ? (['ratelimit', 'ratelimit-policy'] as const) : [];
  for (const [status, described] of Object.entries(responses)) {
    const names = /^[45]/.test(status) ? ([...limits, 'retry-after'] as const) : [...limits, ...response];
    if (names.length > 0) described.headers = Object.fromEntries(names.map((name) => [name, responseHeaders[name]]));
  }
}

function addExamples({ operationId = '', requestBody, parameters = [] }: Operation): void {
  const examples = bodyExamples[operationId];
  if (examples) for (const content of Object.values(requestBody?.content ?? {})) content.examples = examples;
  const values = parameterExamples[operationId] ?? {};
  for (const parameter of parameters) {
    const value = values[parameter.name ?? ''];
    if (value !== undefined) parameter.example = value;
  }
}

function header(description: string, example: string | number): HeaderObject {
  return { description, schema: { type: typeof example === 'number' ? 'integer' : 'string' }, example };
}
