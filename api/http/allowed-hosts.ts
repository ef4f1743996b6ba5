/**
 * Decides which names in the `Host` header are served. An attacker's page can let its own name resolve to 127.0.0.1 (DNS
 * rebinding). Its requests are then same-origin, and only this header gives them away.
 */
import { isIP } from 'node:net';
import type { Config } from '../../shared/config/config.ts';

const localNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** With these, the process is reachable at addresses that it cannot list. */
const anyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export type IsAllowedHost = (host: string) => boolean;

/** In production every name is served unless `ALLOWED_HOSTS` is set, because the proxy in front of it decides. */
export function createHostCheck(config: Pick<Config, 'HOST' | 'ALLOWED_HOSTS' | 'isProduction'>): IsAllowedHost {
  const named = config.ALLOWED_HOSTS.split(',').flatMap((name) => name.trim().toLowerCase() || []);
  if (named.includes('*') || (named.length === 0 && config.isProduction)) return () => true;
  const names = new Set([...localNames, formatHost(config.HOST), ...named]);
  const allowsAddresses = anyAddress.has(config.HOST);
  return (host) => {
    const name = parseHostName(host);
    // A name that is an address cannot be rebound.
    return names.has(name) || (allowsAddresses && isIP(name.replace(/^\[|\]$/g, '')) !== 0);
  };
}

/** Without the port. */
function parseHostName(host: string): string {
  return host.trim().toLowerCase().replace(/:\d*$/, '');
}

function formatHost(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address.toLowerCase();
}
