/**
 * Which names in the `Host` header are served. A page of an attacker can resolve its own name to 127.0.0.1 (DNS rebinding): its
 * requests are then of the same origin, and only this header tells.
 */
import { isIP } from 'node:net';
import type { Config } from '../../shared/config/config.ts';

const localNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
/** With these, the process is reached by addresses that it does not know. */
const anyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

export type IsAllowedHost = (host: string) => boolean;

/** In production every name is served unless `ALLOWED_HOSTS` is set, since a proxy in front of it decides. */
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
