/** The most expensive requests and messages that each kind of client can send, and valid ones to compare them with. */

import { encode } from '../kinds/encode.ts';
import { expensiveBodies, largestBodies } from '../kinds/expensive-input.ts';

/** What the attacks are sent with. */
export interface Targets {
  /** Tokens that can read and write, only read, and operate. */
  readonly writer: string;
  readonly reader: string;
  readonly operatorPassword: string;
  /** A field with data of the largest size, and one that only attacks write to. */
  readonly largeField: string;
  readonly smallField: string;
}

export interface CostAttack {
  readonly name: string;
  readonly client: 'anonymous' | 'reader' | 'writer' | 'operator';
  /** A request, or messages of one socket. */
  readonly make: (
    targets: Targets,
    index: number,
  ) => { readonly http: Buffer } | { readonly messages: readonly string[] };
  /** Whether a small update to the large field is applied before each request, so that no process has its state in memory. */
  readonly followsWrite?: boolean;
  /** Refusals must be cheap; what is answered may cost what the answer is worth. */
  readonly isRefused: boolean;
}

const unknownKeys = expensiveBodies['unknown keys'] ?? '';
const largestHeaderBytes = 14_000;

const get = (path: (targets: Targets) => string, client: CostAttack['client'], name = ''): CostAttack => ({
  ...{ client, isRefused: false },
  name: name || `GET ${path({ writer: '', reader: '', operatorPassword: '', largeField: 'F', smallField: 'S' })}`,
  make: (targets) => ({ http: encode({ path: path(targets), token: targets.reader }) }),
});

const withoutToken = (name: string, request: Parameters<typeof encode>[0], isRefused = true): CostAttack => ({
  ...{ name, client: 'anonymous', isRefused },
  make: () => ({ http: encode(request) }),
});

/** Bodies whose counters are new in each request, so that they are applied and not recognised. */
function renumber(body: string, index: number): string {
  return body.replace(/"counter":(\d+)/g, (_, counter) => `"counter":${Number(counter) + 500 * index}`);
}

export const attacks: readonly CostAttack[] = [
  withoutToken('registration with a megabyte of keys', { path: '/api/devices', body: unknownKeys }),
  withoutToken('no token, a megabyte', { path: '/api/fields/global/updates', body: unknownKeys }),
  withoutToken('an invalid token', { path: '/api/fields/global', token: `a.${'b'.repeat(8000)}.c` }),
  withoutToken('unknown path', { path: `/${'x/'.repeat(900)}` }),
  withoutToken('large headers', { path: '/api/health/live', headers: [`x: ${'y'.repeat(largestHeaderBytes)}`] }, false),
  withoutToken('GET /', { path: '/' }, false),
  withoutToken('GET /docs/json', { path: '/docs/json' }, false),
  withoutToken('GET /api/health', { path: '/api/health' }, false),
  get(({ largeField }) => `/api/fields/${largeField}`, 'reader'),
  {
    ...get(({ largeField }) => `/api/fields/${largeField}`, 'reader', 'GET /api/fields/F after a write'),
    followsWrite: true,
  },
  {
    ...get(() => '', 'reader', 'GET /api/fields/F?at=700, 701, …'),
    make: ({ reader, largeField }, index) => ({
      http: encode({ path: `/api/fields/${largeField}?at=${700 + index}`, token: reader }),
    }),
  },
  get(({ largeField }) => `/api/fields/${largeField}/updates?limit=1000`, 'reader'),
  get(({ largeField }) => `/api/fields/${largeField}/conflicts`, 'reader'),
  get(({ largeField }) => `/api/fields/${largeField}/clock`, 'reader'),
  {
    ...{ name: 'socket: 4 × 600 kB of wrong cells', client: 'reader', isRefused: true },
    make: () => ({ messages: Array(4).fill(asMessage(expensiveBodies['numbers instead of cells'] ?? '')) }),
  },
  ...Object.entries(expensiveBodies).map(
    ([name, body]): CostAttack => ({
      ...{ name: `POST ${name}`, client: 'writer', isRefused: true },
      make: ({ writer, smallField }) => ({
        http: encode({ path: `/api/fields/${smallField}/updates`, token: writer, body }),
      }),
    }),
  ),
  {
    ...{ name: 'socket: 4 × a megabyte of wrong cells', client: 'writer', isRefused: true },
    make: () => ({ messages: Array(4).fill(asMessage(expensiveBodies['wrong cells'] ?? '')) }),
  },
  ...Object.entries(largestBodies).map(
    ([name, body]): CostAttack => ({
      ...{ name: `POST valid ${name}`, client: 'writer', isRefused: false },
      make: ({ writer, smallField }, index) => ({
        http: encode({ path: `/api/fields/${smallField}-${name}/updates`, token: writer, body: renumber(body, index) }),
      }),
    }),
  ),
  {
    ...{ name: 'GET /metrics', client: 'operator', isRefused: false },
    make: (targets) => ({ http: encode({ path: '/metrics', headers: [basic(targets)] }) }),
  },
  {
    ...{ name: 'GET /admin/queues/api/queues', client: 'operator', isRefused: false },
    make: (targets) => ({ http: encode({ path: '/admin/queues/api/queues', headers: [basic(targets)] }) }),
  },
];

function asMessage(body: string): string {
  return body.slice(0, 1_040_000).replace('{', '{"type":"update",');
}

function basic({ operatorPassword }: Targets): string {
  return `authorization: Basic ${Buffer.from(`operator:${operatorPassword}`).toString('base64')}`;
}
