/** The claims of a token that the client needs. Only the server verifies tokens. */
export interface TokenClaims {
  readonly device?: string;
  /** The account. */
  readonly user?: string;
  /** In ms since the epoch. */
  readonly expiresAt?: number;
}

/** @returns no claims when the token is not a JWT: the server may still accept it */
export function decodeTokenClaims(token: string): TokenClaims {
  try {
    const payload = token.split('.')[1] ?? '';
    const { device, sub, exp } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    return { device, user: sub, expiresAt: exp && exp * 1000 };
  } catch {
    return {};
  }
}
