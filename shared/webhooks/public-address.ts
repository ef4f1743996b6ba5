/** Restricts the addresses of webhooks, so that a webhook cannot reach servers behind the firewall (SSRF). */
import { BlockList, isIPv4 } from 'node:net';

/** The networks of IPv4 that are not public, by https://www.iana.org/assignments/iana-ipv4-special-registry. */
const specialNetworks = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
const special = new BlockList();
for (const [network, prefix] of specialNetworks) special.addSubnet(network, prefix, 'ipv4');
// Of IPv6, only 2000::/3 is public, except for documentation, protocol assignments and embedded IPv4 addresses.
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, prefix, 'ipv6');
const unicast = new BlockList();
unicast.addSubnet('2000::', 3, 'ipv6');

export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  return unicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

export interface TargetRules {
  /** `WEBHOOK_ALLOW_HTTP` */
  readonly allowHttp: boolean;
  /** `WEBHOOK_ALLOW_PRIVATE` */
  readonly allowPrivate: boolean;
}

/** The problem of a webhook's address, before its host is looked up; undefined if there is none. */
export function describeBadTarget(text: string, { allowHttp, allowPrivate }: TargetRules): string | undefined {
  if (!URL.canParse(text)) return 'it is not an address';
  const { protocol, hostname, username, password } = new URL(text);
  if (protocol !== 'https:' && !(protocol === 'http:' && allowHttp)) return 'it must start with https://';
  if (username || password) return 'it must not contain a name or a password';
  const host = hostname.replace(/^\[|\]$/g, '');
  const isAddress = isIPv4(host) || host.includes(':');
  if (isAddress && !allowPrivate && !isPublicAddress(host)) return `${host} is not a public address`;
  return undefined;
}
