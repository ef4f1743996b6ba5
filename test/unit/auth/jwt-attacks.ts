/** Known attacks on the verification of tokens, each as a token with the answer that it must get. */
import { createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';

export const secret = 'a secret of more than 32 bytes, no less';
export const issuer = 'issuer';
export const audience = 'audience';

type Part = Readonly<Record<string, unknown>>;

export interface Keys {
  /** The public key is known to attackers. */
  readonly provider: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly attacker: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}

export function createKeys(): Keys {
  const generate = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { provider: generate(), attacker: generate() };
}

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const nowSeconds = () => Math.floor(Date.now() / 1000);

function validClaims(): Part {
  return { sub: 'user-1', fields: ['*'], scope: 'field:read', iss: issuer, aud: audience, exp: nowSeconds() + 600 };
}

/** Signs a token with a secret. It is valid except for the given claims and header; a claim of undefined is omitted. */
export function signWithSecret(
  claims: Part = {},
  header: Part = {},
  key: string | Buffer = secret,
  hash = 'sha256',
): string {
  const body = `${base64({ alg: 'HS256', typ: 'JWT', ...header })}.${base64({ ...validClaims(), ...claims })}`;
  return `${body}.${createHmac(hash, key).update(body).digest('base64url')}`;
}

/** Signs a token with a private key. It is valid except for the given claims and header. */
export function signWithKey(key: KeyObject, claims: Part = {}, header: Part = {}): string {
  const body = `${base64({ alg: 'RS256', kid: 'key-1', ...header })}.${base64({ ...validClaims(), ...claims })}`;
  return `${body}.${signBytes('sha256', Buffer.from(body), key).toString('base64url')}`;
}

function unsigned(alg: string, signature = ''): string {
  return `${base64({ alg, typ: 'JWT' })}.${base64({ ...validClaims(), scope: 'admin' })}.${signature}`;
}

type Answer = 'accepted' | 'unauthorized' | 'token_expired';
export type Attack = readonly [what: string, token: string, answer: Answer];

/** Returns attacks on a deployment that verifies tokens with a shared secret. */
export function attacksOnSecret({ provider, attacker }: Keys): readonly Attack[] {
  const [header, , signature] = signWithSecret().split('.');
  const [, forgedBody] = signWithSecret({ scope: 'admin' }).split('.');
  const jwk = { kty: 'oct', k: base64('attacker') };
  return [
    ['a valid token (no attack)', signWithSecret(), 'accepted'],
    ['`alg: none`, without a signature', unsigned('none'), 'unauthorized'],
    ['`alg: None`, with the signature of a valid token', unsigned('None', signature), 'unauthorized'],
    ['`alg: nOnE`', unsigned('nOnE'), 'unauthorized'],
    ['an empty `alg`', unsigned(''), 'unauthorized'],
    ['an empty signature', signWithSecret().replace(/[^.]+$/, ''), 'unauthorized'],
    ['claims changed after signing', `${header}.${forgedBody}.${signature}`, 'unauthorized'],
    ['signed with another secret', signWithSecret({}, {}, 'another secret of more than 32 bytes'), 'unauthorized'],
    ['signed with an empty secret', signWithSecret({}, {}, ''), 'unauthorized'],
    ['HS512 with the right secret', signWithSecret({}, { alg: 'HS512' }, secret, 'sha512'), 'unauthorized'],
    ['HS384 with the right secret', signWithSecret({}, { alg: 'HS384' }, secret, 'sha384'), 'unauthorized'],
    ["RS256 with the attacker's key", signWithKey(attacker.privateKey), 'unauthorized'],
    ['RS256 with the key of a provider that is not configured', signWithKey(provider.privateKey), 'unauthorized'],
    ['`kid` with a path', signWithSecret({}, { kid: '../../dev/null' }, ''), 'unauthorized'],
    ['`kid` with SQL', signWithSecret({}, { kid: "x' UNION SELECT 'attacker" }, 'attacker'), 'unauthorized'],
    [
      "`jku` with the URL of the attacker's keys",
      signWithSecret({}, { jku: 'http://127.0.0.1:1/keys' }, 'attacker'),
      'unauthorized',
    ],
    [
      "`x5u` with the URL of the attacker's certificate",
      signWithSecret({}, { x5u: 'http://127.0.0.1:1/' }, 'attacker'),
      'unauthorized',
    ],
    ['`jwk` with the key in the token', signWithSecret({}, { jwk }, 'attacker'), 'unauthorized'],
    ['`crit` with an unknown extension', signWithSecret({}, { crit: ['exp2'], exp2: 1 }), 'unauthorized'],
    ['an empty `crit`', signWithSecret({}, { crit: [] }), 'unauthorized'],
    ['`b64: false`', signWithSecret({}, { crit: ['b64'], b64: false }), 'unauthorized'],
    ['an expired token', signWithSecret({ exp: nowSeconds() - 60 }), 'token_expired'],
    [
      'an expired token signed with another secret',
      signWithSecret({ exp: nowSeconds() - 60 }, {}, 'x'.repeat(40)),
      'unauthorized',
    ],
    ['no `exp`', signWithSecret({ exp: undefined }), 'unauthorized'],
    ['`exp` as a string', signWithSecret({ exp: String(nowSeconds() + 600) }), 'unauthorized'],
    ['`exp: null`', signWithSecret({ exp: null }), 'unauthorized'],
    ['`exp` of 1e308', signWithSecret({ exp: 1e308 }), 'unauthorized'],
    ['`exp` of 1e308, with `iat` near it', signWithSecret({ exp: 1e308, iat: 1e308 }), 'unauthorized'],
    ['`exp` in two years', signWithSecret({ exp: nowSeconds() + 2 * 365 * 86_400 }), 'unauthorized'],
    [
      'a lifetime of two years that ends soon',
      signWithSecret({ iat: nowSeconds() - 2 * 365 * 86_400 }),
      'unauthorized',
    ],
    ['`iat` in 55 s, by another clock (no attack)', signWithSecret({ iat: nowSeconds() + 55 }), 'accepted'],
    ['`iat` in two minutes, to escape revocations', signWithSecret({ iat: nowSeconds() + 120 }), 'unauthorized'],
    ['`iat` tomorrow, to escape revocations', signWithSecret({ iat: nowSeconds() + 86_400 }), 'unauthorized'],
    ['an access token by RFC 9068 (no attack)', signWithSecret({}, { typ: 'at+JWT' }), 'accepted'],
    ['no `typ` (no attack)', signWithSecret({}, { typ: undefined }), 'accepted'],
    ['a proof of possession (`typ: dpop+jwt`)', signWithSecret({}, { typ: 'dpop+jwt' }), 'unauthorized'],
    ['a logout token', signWithSecret({}, { typ: 'logout+jwt' }), 'unauthorized'],
    ['`typ` as a list', signWithSecret({}, { typ: ['JWT'] }), 'unauthorized'],
    ['an empty `typ`', signWithSecret({}, { typ: '' }), 'unauthorized'],
    ['`registered` as a string', signWithSecret({ registered: 'now' }), 'unauthorized'],
    ['`nbf` tomorrow', signWithSecret({ nbf: nowSeconds() + 86_400 }), 'unauthorized'],
    ['`nbf` as a string', signWithSecret({ nbf: 'now' }), 'unauthorized'],
    ['`iat` as a string', signWithSecret({ iat: 'now' }), 'unauthorized'],
    ['another issuer', signWithSecret({ iss: 'somebody' }), 'unauthorized'],
    ['no `iss`', signWithSecret({ iss: undefined }), 'unauthorized'],
    ['`iss` as a list', signWithSecret({ iss: [issuer] }), 'unauthorized'],
    ['another audience', signWithSecret({ aud: 'somebody' }), 'unauthorized'],
    ['no `aud`', signWithSecret({ aud: undefined }), 'unauthorized'],
    ['an `aud` that starts with the right audience', signWithSecret({ aud: `${audience}-2` }), 'unauthorized'],
    ['no `sub`', signWithSecret({ sub: undefined }), 'unauthorized'],
    ['`sub` as a number', signWithSecret({ sub: 1 }), 'unauthorized'],
    ['`sub` with a line break, to forge a log line', signWithSecret({ sub: 'a\n{"level":50}' }), 'unauthorized'],
    ['`sub` with U+0000, which PostgreSQL cannot store', signWithSecret({ sub: 'a\u0000' }), 'unauthorized'],
    ['`device: __proto__`', signWithSecret({ device: '__proto__' }), 'unauthorized'],
    ['`device` as an object', signWithSecret({ device: { id: 'x' } }), 'unauthorized'],
    ['`fields` as a string', signWithSecret({ fields: '*' }), 'unauthorized'],
    ['`fields` with a regular expression', signWithSecret({ fields: ['.*'] }), 'unauthorized'],
    ['1,001 `fields`', signWithSecret({ fields: Array(1001).fill('a') }), 'unauthorized'],
    ['no `scope`', signWithSecret({ scope: undefined }), 'unauthorized'],
    ['`scope` as an object', signWithSecret({ scope: { admin: true } }), 'unauthorized'],
    ['`jti` as a number', signWithSecret({ jti: 7 }), 'unauthorized'],
    ['a space before the token', ` ${signWithSecret()}`, 'unauthorized'],
    ['a line break after the token', `${signWithSecret()}\n`, 'unauthorized'],
    ['a space within the token', signWithSecret().replace('.', '. '), 'unauthorized'],
    ['a fourth part', `${signWithSecret()}.x`, 'unauthorized'],
    ['two parts', signWithSecret().replace(/\.[^.]+$/, ''), 'unauthorized'],
    ['an encrypted token of five parts', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..a.b.c', 'unauthorized'],
    ['claims that are a list', `${header}.${base64([1])}.${signature}`, 'unauthorized'],
    ['a header that is not JSON', `${base64('nonsense')}.${forgedBody}.${signature}`, 'unauthorized'],
    ['a valid token of 9,000 characters', signWithSecret({ filler: 'x'.repeat(6600) }), 'unauthorized'],
    ['8 MiB of dots', '.'.repeat(8 * 1024 * 1024), 'unauthorized'],
  ];
}

/** Returns attacks on a deployment that verifies tokens with the keys of an identity provider. */
export function attacksOnProvider({ provider, attacker }: Keys): readonly Attack[] {
  const { privateKey, publicKey } = provider;
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const jwk = attacker.publicKey.export({ format: 'jwk' });
  const signWithAttackerKey = (header: Part) => signWithKey(attacker.privateKey, {}, header);
  return [
    ["a valid token signed with the provider's key (no attack)", signWithKey(privateKey), 'accepted'],
    ['`alg: none`', unsigned('none'), 'unauthorized'],
    [
      "HS256 with the provider's public key (PEM) as the secret",
      signWithSecret({}, { kid: 'key-1' }, String(pem)),
      'unauthorized',
    ],
    [
      "HS256 with the provider's public key (PEM) after a line break as the secret",
      signWithSecret({}, { kid: 'key-1' }, `\n${pem}`),
      'unauthorized',
    ],
    [
      "HS256 with the provider's public key (DER) as the secret",
      signWithSecret({}, { kid: 'key-1' }, der),
      'unauthorized',
    ],
    ['HS256 with an empty secret', signWithSecret({}, { kid: 'key-1' }, ''), 'unauthorized'],
    ['another key with the same `kid`', signWithAttackerKey({}), 'unauthorized'],
    ['another key, without `kid`', signWithAttackerKey({ kid: undefined }), 'unauthorized'],
    ['an unknown `kid`', signWithAttackerKey({ kid: 'key-2' }), 'unauthorized'],
    ['`kid` as a path', signWithAttackerKey({ kid: '../key-1' }), 'unauthorized'],
    ['`kid` as an object', signWithAttackerKey({ kid: { $ne: null } }), 'unauthorized'],
    [
      "`jku` with the URL of the attacker's keys",
      signWithAttackerKey({ jku: 'http://127.0.0.1:1/keys' }),
      'unauthorized',
    ],
    [
      "`x5u` with the URL of the attacker's certificate",
      signWithAttackerKey({ x5u: 'http://127.0.0.1:1/' }),
      'unauthorized',
    ],
    ['`jwk` with the key in the token', signWithAttackerKey({ jwk }), 'unauthorized'],
    ['`crit` with an unknown extension', signWithKey(privateKey, {}, { crit: ['x'], x: 1 }), 'unauthorized'],
    ['another audience', signWithKey(privateKey, { aud: 'somebody' }), 'unauthorized'],
    ['another issuer', signWithKey(privateKey, { iss: 'somebody' }), 'unauthorized'],
    ['an expired token', signWithKey(privateKey, { exp: nowSeconds() - 60 }), 'token_expired'],
    ['`iat` tomorrow', signWithKey(privateKey, { iat: nowSeconds() + 86_400 }), 'unauthorized'],
    ['`exp` of 1e308', signWithKey(privateKey, { exp: 1e308 }), 'unauthorized'],
    ['an ID token for logout', signWithKey(privateKey, {}, { typ: 'logout+jwt' }), 'unauthorized'],
  ];
}
