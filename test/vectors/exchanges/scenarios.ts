/**
 * Requests and the answers of a server. A text `{name}` stands for a value that is not known beforehand: it is bound where it
 * first appears in an answer, and is the same in every later request and answer of the scenario. `{time}` is any
 * number, `{any}` anything. `{field}` is a new field. `{token a}` and `{device a}` belong to the device `a`, which was registered before.
 */
export interface Exchange {
  /** The device whose token is sent. */
  readonly as?: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly text?: string;
  readonly answer: Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the body has at least. */
  readonly body?: unknown;
}

export interface Scenario {
  /** These are registered first. */
  readonly devices: readonly string[];
  readonly exchanges: readonly Exchange[];
}

const updates = '/api/fields/{field}/updates';
const wait = { prefer: 'wait=10' };
const timestamp = 1_700_000_000_000;

function cell(counter: number, value: number, origin: object = {}): object {
  return { counter, timestamp, seen: 0, ...origin, kind: 'cells.set', cells: [{ x: 3, y: 4, value }] };
}

function send(as: string, list: readonly object[], answer: Answer, headers: Readonly<Record<string, string>> = wait) {
  return { as, path: updates, headers, body: { updates: list }, answer };
}

const read = (as: string, path: string, answer: Answer, headers?: Readonly<Record<string, string>>): Exchange => ({
  as,
  path: `/api/fields/{field}${path}`,
  ...(headers ? { headers } : {}),
  answer,
});

const applied = (...results: readonly object[]): Answer => ({ status: 200, body: { field: '{field}', results } });
const result = (counter: number, outcome: string, version: number, cursor: string, more: object = {}) => ({
  counter,
  outcome,
  version,
  cursor: `{${cursor}}`,
  ...more,
});
const problem = (status: number, code: string, more: object = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/problem+json{any}' },
  body: { status, code, type: `/docs/errors#${code}`, title: '{any}', ...more },
});

export const scenarios: Readonly<Record<string, Scenario>> = {
  'a device registers and renews its token': {
    devices: [],
    exchanges: [
      {
        path: '/api/devices',
        body: {},
        answer: { status: 201, body: { deviceId: '{device a}', token: '{token a}', expiresAt: '{time}' } },
      },
      {
        as: 'a',
        path: '/api/devices/renew',
        body: {},
        answer: { status: 200, body: { deviceId: '{device a}', token: '{any}', expiresAt: '{time}' } },
      },
      { path: '/api/devices', body: { deviceId: 'phone-1' }, answer: problem(400, 'invalid_input') },
      { path: '/api/devices/renew', body: {}, answer: problem(401, 'unauthorized') },
    ],
  },
  'updates are accepted at once, or answered with their results': {
    devices: ['a'],
    exchanges: [
      send('a', [cell(1, 0.5)], applied(result(1, 'applied', 1, 'cursor 1'))),
      send(
        'a',
        [cell(2, 0.6), cell(3, 0.7)],
        {
          status: 202,
          body: { accepted: 2, field: '{field}', version: '{time}', serverTime: '{time}', durability: '{any}' },
        },
        {},
      ),
      send('a', [cell(4, 0.8)], applied(result(4, 'applied', 4, 'cursor 4'))),
    ],
  },
  'an update that is sent again is applied once, and a counter cannot be used twice': {
    devices: ['a'],
    exchanges: [
      send('a', [cell(1, 0.5)], applied(result(1, 'applied', 1, 'cursor 1'))),
      send('a', [cell(1, 0.5)], applied(result(1, 'duplicate', 1, 'cursor 1'))),
      send('a', [cell(1, 0.5, { timestamp: timestamp + 5 })], applied(result(1, 'duplicate', 1, 'cursor 1'))),
      send('a', [cell(1, 0.6)], applied(result(1, 'reused', 1, 'cursor 1'))),
      send('a', [cell(4, 0.8), cell(5, 0.9)], applied(result(4, 'applied', 2, 'any'), result(5, 'applied', 3, 'any'))),
      send('a', [cell(2, 0.7)], applied(result(2, 'superseded', 4, 'any'))),
    ],
  },
  'concurrent writes are in conflict, unless the second device says what it has seen': {
    devices: ['a', 'b'],
    exchanges: [
      send('a', [cell(1, 0.5)], applied(result(1, 'applied', 1, 'cursor 1'))),
      send(
        'b',
        [cell(1, 0.1, { timestamp: timestamp - 1 })],
        applied(result(1, 'conflict', 2, 'cursor 2', { resolution: 'kept_local' })),
      ),
      send(
        'b',
        [cell(2, 0.2, { timestamp: timestamp - 1, seen: '{cursor 2}' })],
        applied(result(2, 'applied', 3, 'cursor 3')),
      ),
      send(
        'a',
        [cell(2, 0.3, { timestamp: timestamp + 9, seen: '2.0123456789abcdef' })],
        applied(result(2, 'conflict', 4, 'cursor 4', { resolution: 'used_remote' })),
      ),
      send(
        'b',
        [cell(3, 0.4, { timestamp: 1, clock: { '{device a}': 2 } })],
        applied(result(3, 'applied', 5, 'cursor 5')),
      ),
      read('a', '/conflicts', {
        status: 200,
        body: {
          field: '{field}',
          total: 2,
          conflicts: [
            {
              cell: '3,4',
              local: { device: '{device b}', counter: 2, value: 0.2 },
              remote: { device: '{device a}', counter: 2, value: 0.3 },
              resolution: 'used_remote',
              version: 4,
            },
            { cell: '3,4', resolution: 'kept_local', version: 2 },
          ],
        },
      }),
    ],
  },
  'a field is read by its cursor, its log and its receipts': {
    devices: ['a'],
    exchanges: [
      read('a', '', problem(404, 'field_not_found')),
      read('a', '/clock?device={device a}', problem(404, 'field_not_found')),
      send(
        'a',
        [cell(1, 0.5), { counter: 2, timestamp, kind: 'particle.put', id: 'star', position: { x: 1, y: 2 } }],
        applied(result(1, 'applied', 1, 'cursor 1'), result(2, 'applied', 2, 'cursor 2')),
      ),
      read('a', '', {
        status: 200,
        headers: { etag: '"{cursor 2}"' },
        body: {
          field: '{field}',
          version: 2,
          cursor: '{cursor 2}',
          cells: { '3,4': 0.5 },
          memoryParticles: [
            { id: 'star', position: { x: 1, y: 2, z: 0 }, resonance: 0.5, connections: [], device: '{device a}' },
          ],
          quantumFields: [{ id: 'primary-field' }],
        },
      }),
      read('a', '', { status: 304 }, { 'if-none-match': '"{cursor 2}"' }),
      read('a', '', { status: 200 }, { 'if-none-match': '"2.0123456789abcdef"' }),
      read('a', '?at=1', { status: 200, body: { version: 1, cursor: '{cursor 1}', memoryParticles: [] } }),
      read('a', '?at=3', problem(404, 'version_ahead')),
      read('a', '/updates?after={cursor 1}&limit=5', {
        status: 200,
        body: {
          field: '{field}',
          version: 2,
          oldest: 0,
          updates: [
            {
              version: 2,
              cursor: '{cursor 2}',
              device: '{device a}',
              time: '{time}',
              outcome: 'applied',
              update: { counter: 2, kind: 'particle.put', id: 'star', position: { x: 1, y: 2, z: 0 }, seen: 0 },
            },
          ],
        },
      }),
      read('a', '/updates?after=1.0123456789abcdef', problem(410, 'cursor_unknown')),
      read('a', '/updates/{device a}/2', {
        status: 200,
        body: { counter: 2, status: 'applied', version: 2, cursor: '{cursor 2}', outcome: 'applied' },
      }),
      read('a', '/updates/{device a}/3', { status: 200, body: { counter: 3, status: 'unknown' } }),
      read('a', '/clock?device={device a}', {
        status: 200,
        body: { field: '{field}', version: 2, cursor: '{cursor 2}', clock: { '{device a}': 2 } },
      }),
    ],
  },
  'those who have changed a field are present for a while': {
    devices: ['a'],
    exchanges: [
      send('a', [cell(1, 0.5)], applied(result(1, 'applied', 1, 'any'))),
      read('a', '/presence', {
        status: 200,
        body: { activeNodes: 1, devices: [{ device: '{device a}', at: '{time}' }] },
      }),
    ],
  },
  'requests are refused with a problem that has a stable code': {
    devices: ['a'],
    exchanges: [
      { path: updates, body: { updates: [cell(1, 0.5)] }, answer: problem(401, 'unauthorized') },
      {
        path: updates,
        headers: { authorization: 'Bearer not-a-token' },
        body: { updates: [cell(1, 0.5)] },
        answer: problem(401, 'unauthorized'),
      },
      {
        as: 'a',
        method: 'POST',
        path: updates,
        headers: { 'content-type': 'application/json' },
        text: '{"updates":[',
        answer: problem(400, 'bad_request'),
      },
      {
        as: 'a',
        method: 'POST',
        path: updates,
        headers: { 'content-type': 'text/plain' },
        text: 'updates',
        answer: problem(415, 'unsupported_media_type'),
      },
      send('a', [cell(1, 2)], problem(400, 'invalid_input', { errors: [{ path: '/updates/0/cells/0/value' }] })),
      send('a', [cell(1_000_001, 0.5)], problem(400, 'counter_too_far')),
      { as: 'a', path: '/api/fields/UPPER/updates', answer: problem(400, 'invalid_input') },
      { as: 'a', path: '/api/nothing', answer: problem(404, 'not_found') },
      { as: 'a', method: 'DELETE', path: updates, answer: problem(405, 'method_not_allowed') },
    ],
  },
};
