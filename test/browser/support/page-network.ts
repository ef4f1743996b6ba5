import type { Test } from 'tap';
import { TcpLink } from '../../faults/stack/tcp-link.ts';

/**
 * What Chromium prints about requests, sockets and the script of the service worker while the network or a server is unavailable. A
 * field that has no updates yet is not found when the page polls it instead.
 */
export const networkErrors =
  /net::ERR_|WebSocket connection|status of (503|404)|error occurred when fetching the script/;

/** A page's own way to the API, which can be cut. A browser that is set offline keeps the WebSockets that are open. */
export interface PageNetwork {
  /** The address of the API for this page. */
  readonly address: string;
  goOffline(): void;
  goOnline(): void;
}

export async function withPageNetwork(t: Test, apiAddress: string): Promise<PageNetwork> {
  const link = new TcpLink('page', 'api', Number(new URL(apiAddress).port));
  await link.listen();
  t.teardown(() => link.close());
  return {
    address: `http://127.0.0.1:${link.port}`,
    goOffline: () => link.setMode('refuse'),
    goOnline: () => link.setMode('pass'),
  };
}
