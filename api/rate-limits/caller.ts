/** The caller that a request is charged to: its user, and its address, so that more identities do not mean a higher limit. */
import type { Claims } from '../../shared/contract/token.ts';
import { addressKey } from './address-key.ts';

export interface Caller {
  readonly user: string;
  /** A network, for IPv6. */
  readonly address: string;
}

/** Viewers with one link at one address count as one user. Otherwise they could use up the limits of the user who shared it. */
export function createCaller({ sub, viewer, jti }: Pick<Claims, 'sub' | 'viewer' | 'jti'>, ip: string): Caller {
  const address = addressKey(ip);
  return { user: viewer ? `viewer ${jti} ${address}` : sub, address };
}
