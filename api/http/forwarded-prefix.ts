/** The path that a proxy strips from requests: its `X-Forwarded-Prefix`, which only trusted proxies may send. */
import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { App } from '../fastify-types.ts';

/** Segments of unreserved characters, so that it can neither name another host nor contain markup. */
const prefixPattern = /^(\/[\w.~-]{1,60}){1,8}$/;

type RequestSource = Pick<FastifyRequest, 'headers'> & { readonly socket: { readonly remoteAddress?: string } };

/** Declares `request.forwardedPrefix`, which is empty unless a trusted proxy has sent a valid one. */
export function addForwardedPrefix(app: Pick<App, 'decorateRequest'>, proxies: readonly string[]): void {
  const trusted = createAddressList(proxies);
  app.decorateRequest('forwardedPrefix', {
    getter(this: FastifyRequest) {
      return readForwardedPrefix(this, trusted);
    },
  });
}

function readForwardedPrefix({ headers, socket }: RequestSource, trusted: BlockList): string {
  const prefix = headers['x-forwarded-prefix'];
  const { remoteAddress } = socket;
  if (typeof prefix !== 'string' || remoteAddress === undefined) return '';
  if (!trusted.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4')) return '';
  const path = prefix.replace(/\/$/, '');
  return prefixPattern.test(path) && !/\/\.{1,2}(\/|$)/.test(path) ? path : '';
}

/** @param proxies addresses and networks, as `isProxy` accepts them */
function createAddressList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
