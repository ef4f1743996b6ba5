/** What the client must know of a token: whose it is, and when it runs out. It is checked by the server alone. */
export interface TokenClaims {
  readonly device?: string;
  /** In ms. */
  readonly expiresAt?: number;
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function readToken(token: string): TokenClaims {
  try {
    const claims: unknown = JSON.parse(decode(token.split('.')[1] ?? ''));
    if (typeof claims !== 'object' || claims === null) return {};
    const device = 'device' in claims && typeof claims.device === 'string' ? claims.device : undefined;
    const expiresAt = 'exp' in claims && typeof claims.exp === 'number' ? claims.exp * 1000 : undefined;
    return { device, expiresAt };
  } catch {
    // Not a JWT: the server may know what to do with it.
    return {};
  }
}

/** base64url to bytes, each as a character: device and time are ASCII. Not every phone has `atob`. */
function decode(text: string): string {
  let bits = 0;
  let value = 0;
  let decoded = '';
  for (const digit of text) {
    value = (value << 6) | digits.indexOf(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    decoded += String.fromCharCode((value >> bits) & 0xff);
  }
  return decoded;
}
