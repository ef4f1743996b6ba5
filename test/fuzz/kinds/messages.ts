/** Invalid WebSocket messages and invalid WebSocket frames. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { type Attacker, type FramesAttempt, type Kind, type MessagesAttempt, rejectedKind } from '../attempt.ts';
import { withCorruptedUpdate, withOddNumber, withOddText, withOddType } from './bad-values.ts';
import { deep, malform } from './bodies.ts';
import { oddToken } from './tokens.ts';

const asMessage = (body: string) => body.replace('{', '{"type":"update",');
const oddMessages = [
  'null',
  '[]',
  '1',
  '""',
  '{}',
  '{"type":null}',
  '{"type":"ping","x":1}',
  '{"type":"__proto__"}',
  '{"type":["ping"]}',
  '{"type":"update"}',
  '{"type":"token"}',
  '{"type":"token","token":""}',
];

const oneMessage = (random: Random): string =>
  random.pick<() => string>([
    () => asMessage(withOddNumber(random)),
    () => asMessage(withOddText(random)),
    () => asMessage(withOddType(random)),
    () => asMessage(withCorruptedUpdate(random)),
    () => malform(random).toString('latin1'),
    () => deep(random),
    () => random.pick(oddMessages),
    () => '🌀'.repeat(1 + random.below(5000)),
  ])();

function badMessages(random: Random): MessagesAttempt {
  return { transport: 'messages', messages: Array.from({ length: 1 + random.below(12) }, () => oneMessage(random)) };
}

function binaryMessages(random: Random): MessagesAttempt {
  const messages = Array.from({ length: 1 + random.below(6) }, () =>
    random.chance(0.5) ? Buffer.from(oneMessage(random)) : Buffer.from(randomBytesOf(random)),
  );
  return { transport: 'messages', messages };
}

const randomBytesOf = (random: Random) => Array.from({ length: random.below(500) }, () => random.below(256));

function badRenewal(random: Random, attacker: Attacker): MessagesAttempt {
  return { transport: 'messages', messages: [JSON.stringify({ type: 'token', token: oddToken(random, attacker) })] };
}

function flood(random: Random): MessagesAttempt {
  const message = random.pick(['{"type":"ping"}', '{', oneMessage(random).slice(0, 2000)]);
  return {
    transport: 'messages',
    messages: Array.from({ length: 400 + random.below(800) }, () => message),
    isFlood: true,
  };
}

function oversizedMessage(random: Random): MessagesAttempt {
  const text = 'x'.repeat(1024 * 1024 + 1 + random.below(500_000));
  return { transport: 'messages', messages: [random.chance(0.5) ? text : Buffer.from(text)], isFlood: true };
}

/** Encodes a frame (RFC 6455, section 5.2); `first` contains the flags and the opcode. */
function frame(first: number, payload: Buffer, isMasked = true): Buffer {
  const mask = randomBytes(4);
  const masked = isMasked ? Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))) : payload;
  const flag = isMasked ? 0x80 : 0;
  const length =
    payload.length < 126 ? [flag | payload.length] : [flag | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length]), isMasked ? mask : Buffer.alloc(0), masked]);
}

function badFrames(random: Random): FramesAttempt {
  const text = Buffer.from('{"type":"ping"}');
  const code = (value: number) => Buffer.from([value >> 8, value & 0xff]);
  const bytes = random.pick<() => Buffer>([
    () => frame(0x81, text, false),
    () => frame(0x81 | random.pick([0x40, 0x20, 0x10]), text),
    () => frame(0x80 | random.pick([3, 4, 7, 0xb, 0xf]), text),
    () => frame(0x80, text),
    () => Buffer.concat([frame(0x01, text), frame(0x81, text)]),
    () => frame(0x09, text),
    () => frame(0x89, Buffer.alloc(126)),
    () => frame(0x81, Buffer.from([0xff, 0xfe, 0xc0])),
    () => frame(0x88, code(random.pick([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]))),
    () => frame(0x88, Buffer.from([3])),
    () => frame(0x88, Buffer.concat([code(1000), Buffer.from([0xff, 0xff])])),
    () => Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    () => Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3, 4]),
    () => Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
  ])();
  return { transport: 'frames', bytes };
}

export const messageKinds: readonly Kind[] = [
  rejectedKind('socket: messages', 3, badMessages),
  rejectedKind('socket: binary', 1, binaryMessages),
  rejectedKind('socket: renewals', 2, badRenewal),
  rejectedKind('socket: bad frames', 4, badFrames),
  rejectedKind('socket: oversized', 0.5, oversizedMessage),
  rejectedKind('socket: floods', 0.5, flood),
];
