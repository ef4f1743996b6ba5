/** Altered, expired, foreign and malformed tokens. */

import { signWithSecret } from '../../unit/auth/jwt-attacks.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { Attacker, Kind } from '../attempt.ts';
import { validBody } from './bad-values.ts';
import { encode, kept } from './encode.ts';

const name = 'consciousness-field';
const signed = (secret: string, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  signWithSecret({ iss: name, aud: name, device: 'attacker', fields: ['fuzz-*'], ...claims }, header, secret);

/** Replaces one character. The last character of a part is not changed, since decoders ignore some of its bits. */
function flip(random: Random, token: string): string {
  const [header = '', claims = '', signature = ''] = token.split('.');
  const parts = [header, claims, signature];
  const which = random.below(3);
  const part = parts[which] ?? '';
  const at = random.below(part.length - 1);
  const other = random.pick([...'ABCXYZabcxyz0189-_'].filter((character) => character !== part[at]));
  parts[which] = `${part.slice(0, at)}${other}${part.slice(at + 1)}`;
  return parts.join('.');
}

const nowSeconds = () => Math.floor(Date.now() / 1000);
const oddTokens: readonly ((random: Random, attacker: Attacker) => string)[] = [
  (random, { token }) => flip(random, token),
  (random, { token }) => flip(random, token),
  (random, { token }) => token.slice(0, 1 + random.below(token.length - 5)),
  (_, { token }) => token.replace(/\.[^.]+$/, '.'),
  (random, { token }) => `${token}${random.pick(['.', '.x', '==', '%00', '\u00ff'])}`,
  (random) => 'x'.repeat(1 + random.below(9000)),
  (random) => '.'.repeat(1 + random.below(4000)),
  (_, { secret }) => signed(`${secret}!`),
  (_, { secret }) => signed(secret, { exp: nowSeconds() - 3600 }),
  (_, { secret }) => signed(secret, { exp: undefined }),
  (_, { secret }) => signed(secret, { nbf: nowSeconds() + 3600 }),
  (_, { secret }) => signed(secret, { aud: 'another' }),
  (_, { secret }) => signed(secret, { iss: 'another' }),
  (_, { secret }) => signed(secret, { sub: undefined }),
  (random, { secret }) =>
    signed(secret, { [random.pick(['sub', 'device', 'scope', 'fields', 'exp', 'jti'])]: { $ne: 1 } }),
  (random, { secret }) => signed(secret, {}, { alg: random.pick(['none', 'HS384', 'HS512', 'RS256', '', null, 7]) }),
  (random, { secret }) => signed(secret, {}, { crit: random.pick([['exp2'], [], 'exp', [1]]), exp2: 1 }),
  (_, { secret }) => signed(secret, { fields: ['another'] }),
  (_, { secret }) => signed(secret, { scope: 'field:nothing' }),
];

/** An invalid token, or a valid one that does not permit the request. */
export const oddToken = (random: Random, attacker: Attacker) => random.pick(oddTokens)(random, attacker);

const stream = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
];

function withToken(random: Random, attacker: Attacker): Buffer {
  const token = oddToken(random, attacker);
  const field = `/api/fields/${attacker.field}`;
  return random.pick<() => Buffer>([
    () => encode({ path: `${field}/updates`, token, body: validBody(random) }),
    () => encode({ path: `${field}${random.pick(['', '/clock', '/conflicts', '/updates', '/events'])}`, token }),
    () => encode({ path: `${field}/stream`, token, headers: stream }),
    () => encode({ path: random.pick(['/metrics', '/admin/queues']), token }),
    () =>
      encode({
        path: field,
        headers: [`authorization: ${random.pick(['', 'Basic', 'Bearer', 'Digest'])} ${token}`.slice(0, 3000)],
      }),
  ])();
}

/** 404 is allowed because the operator routes may be disabled. */
export const tokenKinds: readonly Kind[] = [
  {
    name: 'mutated tokens',
    weight: 12,
    allows: (status) => status === 401 || status === 403 || status === 404 || status === 431 || status === 400,
    make: (random, attacker) => ({ transport: 'http', connection: 'own', bytes: withToken(random, attacker) }),
  },
  {
    name: 'no token',
    weight: 1,
    allows: (status) => status === 401,
    make: (random, { field }) => kept({ path: `/api/fields/${field}/updates`, body: validBody(random) }),
  },
];
