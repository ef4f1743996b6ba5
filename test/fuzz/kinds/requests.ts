/** Requests with invalid methods, paths, queries or headers. */
import { deviceIdPattern } from '../../../shared/field/ids.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { type Attacker, type HttpAttempt, type Kind, rejectedKind } from '../attempt.ts';
import { validBody } from './bad-values.ts';
import { encode, kept } from './encode.ts';

const methods = ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'LOCK', 'SEARCH', 'PURGE', 'M-SEARCH'];

function wrongMethod(random: Random, { token, field }: Attacker): HttpAttempt {
  const path = random.pick([
    `/api/fields/${field}`,
    `/api/fields/${field}/updates`,
    '/api/devices',
    '/api/health',
    '/',
  ]);
  const method = random.pick(methods);
  return kept({ method, path, token, ...(random.chance(0.5) ? { body: validBody(random) } : {}) });
}

const oddIds = [
  ...[
    'UPPER',
    '-dash',
    'a'.repeat(65),
    'a'.repeat(300),
    '%00',
    '%0d%0aset-cookie:%20a=b',
    '%F0%9F%8C%80',
    'a%2Fb',
    '__proto__',
  ],
  ...[
    '%zz',
    '%',
    '%c0%af',
    '%ed%a0%80',
    '..%2f..%2fetc%2fpasswd',
    '*',
    "'%20or%201=1--",
    '%7B%7D',
    '%E2%80%AE',
    ':field',
    '\u00ff\u00fe',
  ],
];

/** Device ids allow more characters than field ids, so only those that are also invalid as device ids are used. */
const oddDevices = oddIds.filter((id) => !deviceIdPattern.test(id) || id === '__proto__');

function wrongPath(random: Random, { token, field }: Attacker): HttpAttempt {
  const id = random.pick(oddIds);
  const path = random.pick([
    `/api/fields/${id}`,
    `/api/fields/${id}/updates`,
    `/api/fields/${id}/stream`,
    `/api/fields/${field}/updates/${random.pick(oddDevices)}/1`,
    `/api/fields/${field}/updates/phone-1/${random.pick(['0', '-1', '1e9', 'NaN', '9'.repeat(16), '%31%00', '1.0'])}`,
    `/api/fields/${field}/${id}`,
    `/api/fields/${'x/'.repeat(1 + random.below(500))}`,
    `/api/${'y'.repeat(random.below(3000))}`,
    `//api//fields/${field}`,
    `/docs/static/..%2f..%2fpackage.json`,
    `/api/../../etc/passwd`,
    `/admin/../api/nothing`,
  ]);
  return kept({ path, token });
}

const oddNumbers = [
  '',
  '-1',
  '1.5',
  'NaN',
  'Infinity',
  '1e3',
  '0x10',
  '9'.repeat(16),
  'null',
  '%00',
  '1%00',
  '[]',
  '%D9%A1',
  '1,2',
];

function badQuery(random: Random, { token, field }: Attacker): HttpAttempt {
  const number = random.pick(oddNumbers);
  const path = random.pick([
    `?at=${number}`,
    `?view=${random.pick(['FULL', '', 'all', '%00', '__proto__'])}`,
    `?at=1&at=${number}`,
    `?at[$gt]=1&at=${number}`,
    `/updates?after=${number}`,
    `/updates?limit=${random.pick([...oddNumbers, '0', '1001', '99999999'])}`,
    `/updates?limit=1&limit=${number}`,
    `/clock?device=${random.pick(['', 'a b', 'a'.repeat(65), '__proto__', '%00'])}`,
    `/events?after=${number}`,
    `/conflicts?${'a=1&'.repeat(random.below(700))}`,
  ]);
  return kept({ path: `/api/fields/${field}${path}`, token });
}

/** The field does not exist, so a request whose headers are accepted gets 404. */
const headersOf = (random: Random): readonly string[] =>
  random.pick<() => readonly string[]>([
    () => [`x-filler: ${'x'.repeat(16_000 + random.below(20_000))}`],
    () => Array.from({ length: 200 + random.below(2500) }, (_, at) => `x-${at}: ${at}`),
    () => ['authorization: Bearer a.b.c', 'authorization: Basic YTpi'],
    () => ['host: another', 'host: third'],
    () => [`if-none-match: ${'"v1",'.repeat(random.below(1500))}`],
    () => [`accept-encoding: ${random.pick(['gzip;q=NaN', '\u00ff', ','.repeat(5000)])}`],
    () => [
      `x-forwarded-for: ${random.pick(['1.2.3.4', ','.repeat(999), '::1%25eth0', "'"])}`,
      'x-forwarded-proto: \u00e9',
    ],
    () => [`traceparent: ${random.pick(['00-0-0-0', '\u00ff', `00-${'f'.repeat(32)}-${'f'.repeat(16)}-ff`])}`],
    () => [`expect: ${random.pick(['100-continue', '200-ok', 'nothing'])}`],
    () => [`upgrade: ${random.pick(['h2c', 'websocket', 'nonsense'])}`, 'connection: upgrade'],
    () => [`range: bytes=${random.pick(['0-', '-1', '9-1', '0-0,'.repeat(999)])}`],
    () => [`origin: ${random.pick(['null', 'http://evil.example', '\u00e4', 'x'.repeat(4000)])}`],
    () => ['transfer-encoding: identity'],
    () => ['__proto__: x', 'constructor: x', 'toString: x'],
    () => [`last-event-id: ${random.pick(['-1', '\u00ff', '9'.repeat(400)])}`, 'cookie: a=b; c'],
    () => [`connection: ${random.pick(['keep-alive, close', 'te, trailers', 'x'.repeat(500)])}`],
  ])();

function headerAbuse(random: Random, { token, field }: Attacker): HttpAttempt {
  const path = `/api/fields/${field}`;
  const own = { transport: 'http', connection: 'own' } as const;
  return { ...own, bytes: encode({ path, token, headers: headersOf(random) }) };
}

/** A valid body with headers that describe it incorrectly. */
function wrongBodyType(random: Random, { token, field }: Attacker): HttpAttempt {
  const body = validBody(random);
  const length = `content-length: ${Buffer.byteLength(body)}`;
  const encodings = ['gzip', 'br', 'deflate', 'identity, gzip', '\u00ff', ''].filter(Boolean);
  const types = [
    'text/plain',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    '*/*',
    '\u00ff',
    ';',
    'application/x-www-form-urlencoded',
  ];
  const bodyHeaders = random.pick([
    [`content-type: ${random.pick(types)}`, length],
    ['content-type: application/json', `content-encoding: ${random.pick(encodings)}`, length],
    [length],
  ]);
  return kept({ path: `/api/fields/${field}/updates`, token, body, bodyHeaders });
}

function badPreference(random: Random, attacker: Attacker): HttpAttempt {
  const prefer = random.pick([
    'wait=-1',
    'wait=1e9',
    'wait=NaN',
    'wait',
    'wait=1, wait=30',
    'w'.repeat(3000),
    '\u00ff',
    'wait=""',
  ]);
  const { token, field } = attacker;
  return kept({ path: `/api/fields/${field}/updates`, token, headers: [`prefer: ${prefer}`], body: '{"updates":[]}' });
}

function badDevice(random: Random): HttpAttempt {
  const id = random.pick([
    '"a b"',
    '""',
    '"\\u0000"',
    '"__proto__"',
    JSON.stringify('x'.repeat(65)),
    '7',
    '[]',
    '{}',
    'true',
  ]);
  return kept({ path: '/api/devices', body: random.pick([`{"deviceId":${id}}`, `{"device":${id}}`, `[${id}]`, '1']) });
}

export const requestKinds: readonly Kind[] = [
  rejectedKind('wrong methods', 5, wrongMethod),
  rejectedKind('wrong paths', 8, wrongPath),
  rejectedKind('bad queries', 7, badQuery),
  rejectedKind('header abuse', 7, headerAbuse),
  rejectedKind('wrong content types', 5, wrongBodyType),
  rejectedKind('bad preferences', 2, badPreference),
  {
    ...rejectedKind('bad registrations', 2, (random) => badDevice(random)),
    // Registrations are counted before their body is read.
    allows: (status) => status >= 400 && status < 500,
  },
  {
    name: 'too many',
    weight: 1,
    // The first registrations of a window are accepted.
    allows: (status) => status === 201 || status === 429,
    make: () => kept({ path: '/api/devices', body: '{}' }),
  },
];
