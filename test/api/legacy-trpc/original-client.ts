/** An app of the original system, as far as the server can tell: its client, with its link, its transformer and its time limit. */
import { createTRPCClient, httpLink } from '@trpc/client';
import superjson from 'superjson';
import type { LegacyRouter } from '../../../api/legacy-trpc/legacy-router.ts';

const timeoutMs = 5000;

export function createOriginalClient(address: string, headers: Record<string, string> = {}) {
  return createTRPCClient<LegacyRouter>({
    links: [
      httpLink({
        url: `${address}/api/trpc`,
        transformer: superjson,
        headers,
        fetch: (url, options) =>
          fetch(url as URL, {
            ...(options as RequestInit),
            headers: { 'Content-Type': 'application/json', ...(options?.headers as Record<string, string>) },
            signal: AbortSignal.timeout(timeoutMs),
          }),
      }),
    ],
  });
}

/** The app: a name that it makes when it starts, and a counter of its changes. */
export class OriginalApp {
  readonly nodeId: string;
  readonly client: ReturnType<typeof createOriginalClient>;
  #counter = 0;

  constructor(address: string, index: number, headers: Record<string, string> = {}) {
    this.nodeId = `mobile-ios-${1_700_000_000_000 + index}-abc${index}xyz`;
    this.client = createOriginalClient(address, headers);
  }

  /** The input of its next change. */
  nextUpdate(memoryContent: string, resonance = 0.5) {
    this.#counter += 1;
    return {
      ...{ nodeId: this.nodeId, position: { x: this.#counter, y: 2.5 }, resonance, memoryContent, connections: [] },
      ...{ vectorClock: { [this.nodeId]: this.#counter }, version: this.#counter },
    };
  }

  nextDelta(x: number, y: number, value: number) {
    this.#counter += 1;
    const { nodeId: deviceId } = this;
    const timestamp = Date.now();
    const changes = [{ x, y, value, timestamp }];
    return {
      deviceId,
      delta: { deviceId, clock: { [deviceId]: this.#counter }, changes, version: this.#counter, timestamp },
    };
  }
}
