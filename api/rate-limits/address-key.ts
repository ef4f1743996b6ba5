/** The unit of addresses in rate limits. */
import { isIPv6 } from 'node:net';

const mappedIpv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const networkGroups = 4;

/**
 * An IPv4 address unchanged, or the /64 network of an IPv6 address, because whoever has one address usually has the whole
 * network. An IPv4-mapped IPv6 address counts as the IPv4 address.
 */
export function addressKey(address: string): string {
  const [plain = ''] = address.split('%');
  const [, mapped] = mappedIpv4.exec(plain) ?? [];
  if (mapped) return mapped;
  if (!isIPv6(plain)) return plain;
  return `${expandGroups(plain).slice(0, networkGroups).join(':')}::/64`;
}

/** The eight groups without leading zeros. A dotted end, as in `::ffff:192.0.2.1`, is in the host part, and not expanded. */
function expandGroups(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::');
  const split = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [split(head), split(tail ?? '')];
  const dotted = last.at(-1)?.includes('.') || first.at(-1)?.includes('.') ? 1 : 0;
  const missing = tail === undefined ? 0 : 8 - dotted - first.length - last.length;
  const groups = [...first, ...Array<string>(Math.max(0, missing)).fill('0'), ...last];
  return groups.map((group) => group.replace(/^0+(?=.)/, ''));
}
