/** Rejects secrets and passwords that can be guessed: short ones, those from tutorials, and those with little variety. */

const minSecretBytes = 32;
export const minPasswordLength = 12;
/** A secret can be guessed offline, billions of times per second; a password only through this service. */
const minSecretBits = 80;
const minPasswordBits = 28;

/** Known examples that are long enough, in lower case. From the documentation of JWT libraries and from templates. */
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

/** Common words in guesses. Each counts as one character. */
const commonWords =
  /password|passwort|passw0rd|p[a@]ssword|secret|change[-_ ]?me|letmein|welcome|operator|admin|consciousness|field|hunter2|iloveyou|dragon|monkey|example|replace/gi;

/** Rows of keyboards, and well-known sequences. */
const sequences = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'qwertzuiop', 'asdfghjkl', 'zxcvbnm'];

/** Describes why no process may use a secret, without repeating it; undefined if one may. */
export function describeUnusableSecret(secret: string): string | undefined {
  if (Buffer.byteLength(secret.trim()) < minSecretBytes) return `must be at least ${minSecretBytes} bytes long`;
  if (knownSecrets.has(secret.trim().toLowerCase()))
    return 'is a well-known example: make one with `openssl rand -base64 48`';
  return undefined;
}

/** Describes why production may not use a secret. */
export function describeGuessableSecret(secret: string): string | undefined {
  if (estimateEntropyBits(secret) >= minSecretBits) return undefined;
  return 'can be guessed, since it repeats itself or follows a pattern: make one with `openssl rand -base64 48`';
}

/** Describes why production may not use a password. */
export function describeGuessablePassword(password: string): string | undefined {
  if (password.length < minPasswordLength) return `must be at least ${minPasswordLength} characters long`;
  if (estimateEntropyBits(password) >= minPasswordBits) return undefined;
  return 'can be guessed, since it repeats itself, follows a pattern or consists of common words';
}

/**
 * Estimates the entropy in bits: that of a character times the number of characters that are not predictable from those before. Too
 * high for words of a language, so it only detects obviously weak secrets.
 */
function estimateEntropyBits(text: string): number {
  const characters = [...text.trim().replace(commonWords, '\u0000')];
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bitsPerCharacter = 0;
  for (const count of counts.values()) {
    const share = count / characters.length;
    bitsPerCharacter -= share * Math.log2(share);
  }
  const surprises = characters.filter((_, index) => !isPredictable(characters, index)).length;
  return bitsPerCharacter * surprises;
}

/** Whether a character repeats the one before, continues a sequence, or continues an earlier part of the text. */
function isPredictable(characters: readonly string[], index: number): boolean {
  const [before, previous, current] = characters.slice(Math.max(0, index - 2), index + 1);
  if (index >= 1 && characters[index] === characters[index - 1]) return true;
  if (before === undefined || previous === undefined || current === undefined) return false;
  const triple = (before + previous + current).toLowerCase();
  const reversed = [...triple].reverse().join('');
  if (sequences.some((sequence) => sequence.includes(triple) || sequence.includes(reversed))) return true;
  return characters.slice(0, index).join('').toLowerCase().includes(triple);
}
