/** Malformed, truncated, oversized, deeply nested and invalid bodies. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { type Attacker, type HttpAttempt, type Kind, rejectedKind } from '../attempt.ts';
import { validBody, withCorruptedUpdate, withOddNumber, withOddText, withOddType } from './bad-values.ts';
import { encode, post } from './encode.ts';

const bytesOverLimit = 1024 * 1024 + 1;

/** Valid JSON made invalid. */
export function malform(random: Random): Buffer {
  const text = validBody(random);
  const at = 1 + random.below(text.length - 1);
  return Buffer.from(
    random.pick<() => string | Buffer>([
      () => text.slice(0, at),
      () => `${text}${random.pick(['}', ',', '\u0000', 'null', '[]', '{}'])}`,
      () => text.replaceAll('"', "'"),
      () => text.replace(/}]}$/, ',}]}'),
      () => text.replace('"counter":', '"counter":+'),
      () => text.replace('"counter":', '"counter":0'),
      () => text.replace('"counter":', '"counter":NaN,"x":'),
      () => text.replace('{', '{"__proto__":{"admin":true},'),
      () => text.replace('{', '{"constructor":{"prototype":{}},'),
      () => `/* */${text}`,
      () => random.pick(['', ' ', '\u0000', '{', '[', '"', 'undefined', '-', '{"updates":', '\\u0000']),
      () => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xc0, 0x80]), Buffer.from('}')]),
      () => Buffer.from(text, 'utf16le'),
      () => Buffer.from(Array.from({ length: 1 + random.below(400) }, () => 128 + random.below(128))),
    ])(),
  );
}

export function deep(random: Random): string {
  const levels = 33 + random.below(random.chance(0.1) ? 200_000 : 2000);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":', '}]'],
  ] as const);
  return `${open.repeat(levels)}1${random.chance(0.5) ? close.repeat(levels) : ''}`;
}

function truncated(random: Random, { token, field }: Attacker): HttpAttempt {
  const whole = encode({ path: `/api/fields/${field}/updates`, token, body: validBody(random) });
  return {
    transport: 'http',
    connection: 'broken-off',
    mayBeCut: true,
    bytes: whole.subarray(0, 1 + random.below(whole.length - 1)),
  };
}

/** Some only announce the length, some send the bytes. The server may close the connection while the body is being sent. */
function oversized(random: Random, { token, field }: Attacker): HttpAttempt {
  const length = bytesOverLimit + random.below(1_000_000);
  const request = { path: `/api/fields/${field}/updates`, token };
  const type = 'content-type: application/json';
  const bytes = random.pick<() => Buffer>([
    () => encode({ ...request, body: '{"updates":', bodyHeaders: [type, `content-length: ${length}`] }),
    () => encode({ ...request, body: '{', bodyHeaders: [type, `content-length: ${Number.MAX_SAFE_INTEGER}`] }),
    () => encode({ ...request, body: ' '.repeat(length) }),
    () => {
      const chunk = `10000\r\n${'[1,'.repeat(0x10000 / 3)}1\r\n`;
      return encode({
        ...request,
        body: `${chunk.repeat(18)}0\r\n\r\n`,
        bodyHeaders: [type, 'transfer-encoding: chunked'],
      });
    },
  ])();
  return { transport: 'http', connection: 'own', mayBeCut: true, bytes };
}

export const bodyKinds: readonly Kind[] = [
  rejectedKind('malformed JSON', 10, (random, attacker) => post(attacker, malform(random))),
  rejectedKind('wrong types', 10, (random, attacker) => post(attacker, withOddType(random))),
  rejectedKind('odd numbers', 10, (random, attacker) => post(attacker, withOddNumber(random))),
  rejectedKind('odd text', 8, (random, attacker) => post(attacker, withOddText(random))),
  rejectedKind('mutated updates', 14, (random, attacker) => post(attacker, withCorruptedUpdate(random))),
  rejectedKind('deep JSON', 4, (random, attacker) => post(attacker, deep(random))),
  rejectedKind('truncated', 5, truncated),
  rejectedKind('oversized', 1, oversized),
];
