/** Bytes that are not HTTP, and requests whose boundaries are ambiguous (request smuggling). */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { type Attacker, type HttpAttempt, type Kind, rejectedKind } from '../attempt.ts';
import { validBody } from './bad-values.ts';
import { encode } from './encode.ts';

const anyBytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random.below(256)));
const tlsHello = Buffer.from([0x16, 3, 1, 0, 0x2f, 1, 0, 0, 0x2b, 3, 3]);

function garbage(random: Random): HttpAttempt {
  const bytes = random.pick<() => Buffer>([
    () => anyBytes(random, 1 + random.below(2000)),
    () => Buffer.concat([tlsHello, anyBytes(random, 40)]),
    () => Buffer.from('\u0000'.repeat(1 + random.below(500))),
    () => Buffer.from('\r\n'.repeat(1 + random.below(500))),
    () => Buffer.from('GET / HTTP/9.9\r\n\r\n'),
    () => Buffer.from('GET /none\r\n\r\n'),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => Buffer.from('*1\r\n$8\r\nFLUSHALL\r\n'),
    () => Buffer.from(`GET ${'/'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
    () => Buffer.from('GET /none HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n'),
    () => Buffer.from('GET /none HTTP/1.1\nhost : a\n\n'),
    () => Buffer.from('GET /api/fields/fuzz-0 HTTP/1.1\r\n\r\n'),
    () => Buffer.from('CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: a\r\n\r\n'),
    () => Buffer.from('GET /none HTTP/1.1\r\nhost: a\r\nx: a\u0000b\r\n\r\n'),
  ])();
  return { transport: 'http', connection: 'broken-off', mayBeCut: true, bytes };
}

/** Hides a second request in the body of the first. A second response with a success status is reported. */
function smuggled(random: Random, { token, field }: Attacker): HttpAttempt {
  const path = `/api/fields/${field}/updates`;
  const inner = encode({ path, token, body: validBody(random) }).toString('latin1');
  const chunked = `0\r\n\r\n${inner}`;
  const type = 'content-type: application/json';
  const length = `content-length: ${chunked.length}`;
  const bodyHeaders = random.pick<() => readonly string[]>([
    () => [type, length, 'transfer-encoding: chunked'],
    () => [type, 'transfer-encoding: chunked', length],
    () => [type, length, 'content-length: 5'],
    () => [
      type,
      `content-length: ${random.pick(['+5', '-1', '5,5', '0x5', '5 5', '1e3', '\u0665', '9'.repeat(30), ' '])}`,
    ],
    () => [
      type,
      length,
      `transfer-encoding: ${random.pick(['xchunked', 'chunked, identity', 'chunked\u000b', '\u00ffchunked'])}`,
    ],
    () => [type, length, 'transfer-encoding : chunked'],
    () => [type, length, ' transfer-encoding: chunked'],
    () => [type, length, 'x: y\rtransfer-encoding: chunked'],
    () => [type, length, 'x: y\ntransfer-encoding: chunked'],
  ])();
  return {
    transport: 'http',
    connection: 'own',
    bytes: encode({ path, token, body: chunked, bodyHeaders }),
  };
}

function badChunks(random: Random, { token, field }: Attacker): HttpAttempt {
  const body = random.pick([
    'zz\r\n{}\r\n0\r\n\r\n',
    '-1\r\n',
    'ffffffffffffffffff\r\n',
    '5\r\n{}',
    '2;x=\r\n{}\r\n0\r\n',
    '2\n{}\n0\n\n',
    '2\r\n{}0\r\n\r\n',
  ]);
  const bodyHeaders = ['content-type: application/json', 'transfer-encoding: chunked'];
  const bytes = encode({ path: `/api/fields/${field}/updates`, token, body, bodyHeaders });
  return { transport: 'http', connection: 'broken-off', mayBeCut: true, bytes };
}

export const rawKinds: readonly Kind[] = [
  rejectedKind('raw garbage', 6, garbage),
  rejectedKind('smuggling', 6, smuggled),
  rejectedKind('bad chunks', 3, badChunks),
];
