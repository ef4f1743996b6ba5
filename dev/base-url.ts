/** The URL of the API for a browser or curl on this machine. A wildcard address is replaced by the loopback address. */
import type { Config } from '../shared/config/config.ts';

const wildcardAddresses: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

export function baseUrl({ HOST: host, PORT: port }: Pick<Config, 'HOST' | 'PORT'>): string {
  return `http://${wildcardAddresses[host] ?? (host.includes(':') ? `[${host}]` : host)}:${port}`;
}
