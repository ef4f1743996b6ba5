/**
 * Where requests wait for the results of their updates: workers publish replies to a channel of this process. Why the
 * fields' deltas are not used instead is recorded in docs/adr/0002-reply-channel.md.
 */
import { randomUUID } from 'node:crypto';
import type { CacheKeys } from '../../shared/cache/cache-keys.ts';
import type { ReplyAddress } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/messages.ts';
import type { Cursor } from '../../shared/field/cursor.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import { withTimeoutValue } from '../../shared/process/with-timeout.ts';
import type { RedisSubscriber } from '../redis-subscriber.ts';

export interface Reply {
  readonly request: string;
  readonly field: FieldId;
  readonly version: number;
  readonly cursor: Cursor;
  readonly results: UpdateResult[];
}

/** A reply that is awaited. Must be closed. */
export interface PendingReply {
  readonly address: ReplyAddress;
  /** Resolves with undefined when no reply has arrived within the time, or when the process shuts down. */
  wait(timeoutMs: number): Promise<Reply | undefined>;
  /** Whether a reply may have been lost, because the channel was not subscribed all the time. */
  mayHaveBeenMissed(): boolean;
  close(): void;
}

export class PendingReplies {
  readonly #processId = randomUUID();
  readonly #redisSubscriber: RedisSubscriber;
  readonly #resolvers = new Map<string, (reply: Reply | undefined) => void>();
  /** Replies that were published before a reconnect may be lost. */
  #reconnects = 0;
  #isClosed = false;

  constructor(redisSubscriber: RedisSubscriber, keys: CacheKeys) {
    this.#redisSubscriber = redisSubscriber;
    redisSubscriber.onReconnect(() => {
      this.#reconnects += 1;
    });
    void redisSubscriber.subscribe(keys.replyChannel(this.#processId), (message) => {
      const reply = JSON.parse(message) as Reply;
      this.#resolvers.get(reply.request)?.(reply);
    });
  }

  open(): PendingReply {
    const request = randomUUID();
    let resolveReply: (reply: Reply | undefined) => void = () => undefined;
    const reply = new Promise<Reply | undefined>((resolve) => {
      resolveReply = resolve;
    });
    const reconnects = this.#reconnects;
    if (this.#isClosed) resolveReply(undefined);
    this.#resolvers.set(request, resolveReply);
    return {
      address: { process: this.#processId, request },
      wait: (timeoutMs) => withTimeoutValue(reply, timeoutMs, undefined),
      mayHaveBeenMissed: () => !this.#redisSubscriber.isSubscribed || this.#reconnects !== reconnects,
      close: () => void this.#resolvers.delete(request),
    };
  }

  /** Ends all waits without a reply. */
  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#resolvers.values()) resolve(undefined);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
}
