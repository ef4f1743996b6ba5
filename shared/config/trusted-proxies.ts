/** Parses the trusted proxies: addresses and networks, never "all" or a number of hops. */
import { isIP } from 'node:net';

export function parseProxies(list: string): readonly string[] {
  return list
    .split(',')
    .map((proxy) => proxy.trim())
    .filter((proxy) => proxy !== '');
}

/** Whether the text is an address, or a network such as `10.0.0.0/8`. */
export function isProxy(text: string): boolean {
  const [address = '', bits, rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest !== undefined) return false;
  if (bits === undefined) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128);
}
