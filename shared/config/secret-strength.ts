/** Rejects weak secrets: those that are too short, and those from tutorials and example files. */

const minBytes = 32;

/** In lower case; only those that are long enough. From the documentation of JWT libraries and from templates. */
const knownSecrets: ReadonlySet<string> = new Set([
  'a-string-secret-at-least-256-bits-long',
  'a-string-secret-at-least-512-bits-long-which-is-very-long-and-secure',
  'a-very-long-and-secure-secret-key-that-nobody-knows',
  'change-me-to-a-long-random-string-of-at-least-32-bytes',
  'change-me-to-a-secret-of-at-least-32-bytes',
  'changemechangemechangemechangeme',
  'mysecretkeymysecretkeymysecretkey',
  'secretsecretsecretsecretsecretsecret',
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'this-is-a-very-long-secret-key-change-me',
  'your-256-bit-secret-your-256-bit-secret',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
  'your_jwt_secret_key_at_least_32_characters_long',
  '00000000000000000000000000000000',
  '0123456789abcdef0123456789abcdef',
  '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  '12345678901234567890123456789012',
]);

/** Describes why a secret is weak, without repeating it; undefined if it is not. */
export function describeWeakSecret(secret: string): string | undefined {
  if (Buffer.byteLength(secret.trim()) < minBytes) return `must be at least ${minBytes} bytes long`;
  if (knownSecrets.has(secret.trim().toLowerCase()))
    return 'is a well-known example: make one with `openssl rand -base64 48`';
  return undefined;
}
