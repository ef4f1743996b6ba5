/** Who is charged for a request: its user, and the address it comes from, so that more identities do not mean a higher limit. */
import type { Claims } from '../../shared/contract/token.ts';
import { addressKey } from './address-key.ts';

export interface Caller {
  readonly user: string;
  /** A network, for IPv6. */
  readonly address: string;
}

export function createCaller({ sub }: Pick<Claims, 'sub'>, ip: string): Caller {
  return { user: sub, address: addressKey(ip) };
}
