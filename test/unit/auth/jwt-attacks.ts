/** Ways to get past the check of a token, each as a token that somebody might send. */
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';

export const secret = 'a secret of more than 32 bytes, no less';
export const issuer = 'issuer';
export const audience = 'audience';

type Part = Readonly<Record<string, unknown>>;

export interface Keys {
  /** The provider's, whose public half is known to everybody. */
  readonly provider: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly stranger: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}

export function makeKeys(): Keys {
  const make = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { provider: make(), stranger: make() };
}

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const nowSeconds = () => Math.floor(Date.now() / 1000);

function rightClaims(): Part {
  return { sub: 'user-1', fields: ['*'], scope: 'field:read', iss: issuer, aud: audience, exp: nowSeconds() + 600 };
}

/** A token by the shared secret: right but for what is given. A claim of undefined is left out. */
export function bySecret(claims: Part = {}, header: Part = {}, key: string | Buffer = secret, hash = 'sha256'): string {
  const body = `${base64({ alg: 'HS256', typ: 'JWT', ...header })}.${base64({ ...rightClaims(), ...claims })}`;
  return `${body}.${createHmac(hash, key).update(body).digest('base64url')}`;
}

/** A token by a private key. */
export function byKey(key: KeyObject, claims: Part = {}, header: Part = {}): string {
  const body = `${base64({ alg: 'RS256', kid: 'key-1', ...header })}.${base64({ ...rightClaims(), ...claims })}`;
  return `${body}.${signBytes('sha256', Buffer.from(body), key).toString('base64url')}`;
}

function unsigned(alg: string, signature = ''): string {
  return `${base64({ alg, typ: 'JWT' })}.${base64({ ...rightClaims(), scope: 'operator' })}.${signature}`;
}

type Answer = 'accepted' | 'unauthorized' | 'token_expired';
export type Attack = readonly [what: string, token: string, answer: Answer];

/** Against an installation that signs with a secret of its own. */
export function attacksOnSecret({ provider, stranger }: Keys): readonly Attack[] {
  const [header, , signature] = bySecret().split('.');
  const [, forgedBody] = bySecret({ scope: 'operator' }).split('.');
  const jwk = { kty: 'oct', k: base64('attacker') };
  return [
    ['nothing: a token as it should be', bySecret(), 'accepted'],
    ['`alg: none`, without a signature', unsigned('none'), 'unauthorized'],
    ['`alg: None`, with the signature of a right token', unsigned('None', signature), 'unauthorized'],
    ['`alg: nOnE`', unsigned('nOnE'), 'unauthorized'],
    ['an empty `alg`', unsigned(''), 'unauthorized'],
    ['an empty signature', bySecret().replace(/[^.]+$/, ''), 'unauthorized'],
    ['claims changed after signing', `${header}.${forgedBody}.${signature}`, 'unauthorized'],
    ['signed with another secret', bySecret({}, {}, 'another secret of more than 32 bytes'), 'unauthorized'],
    ['signed with an empty secret', bySecret({}, {}, ''), 'unauthorized'],
    ['HS512 with the right secret', bySecret({}, { alg: 'HS512' }, secret, 'sha512'), 'unauthorized'],
    ['HS384 with the right secret', bySecret({}, { alg: 'HS384' }, secret, 'sha384'), 'unauthorized'],
    ['RS256 with a key of the attacker', byKey(stranger.privateKey), 'unauthorized'],
    ['RS256 with the key of a provider that is not configured', byKey(provider.privateKey), 'unauthorized'],
    ['`kid` with a path', bySecret({}, { kid: '../../dev/null' }, ''), 'unauthorized'],
    ['`kid` with SQL', bySecret({}, { kid: "x' UNION SELECT 'attacker" }, 'attacker'), 'unauthorized'],
    ['`jku` to keys of the attacker', bySecret({}, { jku: 'http://127.0.0.1:1/keys' }, 'attacker'), 'unauthorized'],
    [
      '`x5u` to a certificate of the attacker',
      bySecret({}, { x5u: 'http://127.0.0.1:1/' }, 'attacker'),
      'unauthorized',
    ],
    ['`jwk` with the key in the token', bySecret({}, { jwk }, 'attacker'), 'unauthorized'],
    ['`crit` with an extension that is not known', bySecret({}, { crit: ['exp2'], exp2: 1 }), 'unauthorized'],
    ['`crit` that is empty', bySecret({}, { crit: [] }), 'unauthorized'],
    ['`b64: false`', bySecret({}, { crit: ['b64'], b64: false }), 'unauthorized'],
    ['expired', bySecret({ exp: nowSeconds() - 60 }), 'token_expired'],
    [
      'expired, and signed with another secret',
      bySecret({ exp: nowSeconds() - 60 }, {}, 'x'.repeat(40)),
      'unauthorized',
    ],
    ['without `exp`', bySecret({ exp: undefined }), 'unauthorized'],
    ['`exp` as text', bySecret({ exp: String(nowSeconds() + 600) }), 'unauthorized'],
    ['`exp: null`', bySecret({ exp: null }), 'unauthorized'],
    ['`nbf` tomorrow', bySecret({ nbf: nowSeconds() + 86_400 }), 'unauthorized'],
    ['`nbf` as text', bySecret({ nbf: 'now' }), 'unauthorized'],
    ['`iat` as text', bySecret({ iat: 'now' }), 'unauthorized'],
    ['of another issuer', bySecret({ iss: 'somebody' }), 'unauthorized'],
    ['without `iss`', bySecret({ iss: undefined }), 'unauthorized'],
    ['`iss` as a list', bySecret({ iss: [issuer] }), 'unauthorized'],
    ['for another audience', bySecret({ aud: 'somebody' }), 'unauthorized'],
    ['without `aud`', bySecret({ aud: undefined }), 'unauthorized'],
    ['`aud` that only begins alike', bySecret({ aud: `${audience}-2` }), 'unauthorized'],
    ['without `sub`', bySecret({ sub: undefined }), 'unauthorized'],
    ['`sub` as a number', bySecret({ sub: 1 }), 'unauthorized'],
    ['`sub` with a line break, for the log', bySecret({ sub: 'a\n{"level":50}' }), 'unauthorized'],
    ['`sub` with U+0000, for the database', bySecret({ sub: 'a\u0000' }), 'unauthorized'],
    ['`device: __proto__`', bySecret({ device: '__proto__' }), 'unauthorized'],
    ['`device` as an object', bySecret({ device: { id: 'x' } }), 'unauthorized'],
    ['`fields` as text', bySecret({ fields: '*' }), 'unauthorized'],
    ['`fields` with a pattern of its own making', bySecret({ fields: ['.*'] }), 'unauthorized'],
    ['1,001 `fields`', bySecret({ fields: Array(1001).fill('a') }), 'unauthorized'],
    ['without `scope`', bySecret({ scope: undefined }), 'unauthorized'],
    ['`scope` as an object', bySecret({ scope: { operator: true } }), 'unauthorized'],
    ['`jti` as a number', bySecret({ jti: 7 }), 'unauthorized'],
    ['a space before it', ` ${bySecret()}`, 'unauthorized'],
    ['a line break after it', `${bySecret()}\n`, 'unauthorized'],
    ['a space within it', bySecret().replace('.', '. '), 'unauthorized'],
    ['a fourth part', `${bySecret()}.x`, 'unauthorized'],
    ['two parts', bySecret().replace(/\.[^.]+$/, ''), 'unauthorized'],
    ['an encrypted token of five parts', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c', 'unauthorized'],
    ['claims that are a list', `${header}.${base64([1])}.${signature}`, 'unauthorized'],
    ['a header that is not JSON', `${base64('nonsense')}.${forgedBody}.${signature}`, 'unauthorized'],
    ['right, but of 9,000 characters', bySecret({ filler: 'x'.repeat(6600) }), 'unauthorized'],
    ['8 MiB of dots', '.'.repeat(8 * 1024 * 1024), 'unauthorized'],
  ];
}

/** Against an installation that reads the keys of an identity provider. */
export function attacksOnProvider({ provider, stranger }: Keys): readonly Attack[] {
  const { privateKey, publicKey } = provider;
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const jwk = stranger.publicKey.export({ format: 'jwk' });
  const strange = (header: Part) => byKey(stranger.privateKey, {}, header);
  return [
    ["nothing: a token by the provider's key", byKey(privateKey), 'accepted'],
    ['`alg: none`', unsigned('none'), 'unauthorized'],
    [
      "HS256 with the provider's public key (PEM) as the secret",
      bySecret({}, { kid: 'key-1' }, String(pem)),
      'unauthorized',
    ],
    ['the same, with a line break before the PEM', bySecret({}, { kid: 'key-1' }, `\n${pem}`), 'unauthorized'],
    ["HS256 with the provider's public key (DER) as the secret", bySecret({}, { kid: 'key-1' }, der), 'unauthorized'],
    ['HS256 with an empty secret', bySecret({}, { kid: 'key-1' }, ''), 'unauthorized'],
    ['another key by the same `kid`', strange({}), 'unauthorized'],
    ['another key, without `kid`', strange({ kid: undefined }), 'unauthorized'],
    ['a `kid` that the provider does not have', strange({ kid: 'key-2' }), 'unauthorized'],
    ['`kid` as a path', strange({ kid: '../key-1' }), 'unauthorized'],
    ['`kid` as an object', strange({ kid: { $ne: null } }), 'unauthorized'],
    ['`jku` to keys of the attacker', strange({ jku: 'http://127.0.0.1:1/keys' }), 'unauthorized'],
    ['`x5u` to a certificate of the attacker', strange({ x5u: 'http://127.0.0.1:1/' }), 'unauthorized'],
    ['`jwk` with the key in the token', strange({ jwk }), 'unauthorized'],
    ['`crit` with an extension that is not known', byKey(privateKey, {}, { crit: ['x'], x: 1 }), 'unauthorized'],
    ['for another audience', byKey(privateKey, { aud: 'somebody' }), 'unauthorized'],
    ['of another issuer', byKey(privateKey, { iss: 'somebody' }), 'unauthorized'],
    ['expired', byKey(privateKey, { exp: nowSeconds() - 60 }), 'token_expired'],
  ];
}
