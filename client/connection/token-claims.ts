/** What the client must know of a token: whose it is, and when it runs out. It is checked by the server alone. */
export interface TokenClaims {
  readonly device?: string;
  /** In ms. */
  readonly expiresAt?: number;
}

export function decodeTokenClaims(token: string): TokenClaims {
  try {
    const payload = token.split('.')[1] ?? '';
    const { device, exp } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    return { device, expiresAt: exp && exp * 1000 };
  } catch {
    // Not a JWT: the server may know what to do with it.
    return {};
  }
}
