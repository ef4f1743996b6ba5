/** Where requests wait for what became of their updates: workers answer on a channel of this process. */
import { randomUUID } from 'node:crypto';
import type { CacheNames } from '../../shared/cache/field-cache.ts';
import type { ReplyAddress } from '../../shared/contract/job.ts';
import type { UpdateResult } from '../../shared/contract/receipt.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { ChannelSubscriber } from '../redis-subscriber.ts';

export interface Reply {
  readonly request: string;
  readonly field: FieldId;
  readonly version: number;
  readonly results: UpdateResult[];
}

/** A place to wait in. Must be left. */
export interface Waiting {
  readonly address: ReplyAddress;
  /** The reply, or undefined when it has not come within the time. */
  wait(timeoutMs: number): Promise<Reply | undefined>;
  /** Whether a reply may have been lost on the way; then only receipts tell. */
  mayBeMissed(): boolean;
  leave(): void;
}

export class Replies {
  readonly #process = randomUUID();
  readonly #subscriber: ChannelSubscriber;
  readonly #takers = new Map<string, (reply: Reply | undefined) => void>();
  /** How often the channel was subscribed anew: what was sent before that may be lost. */
  #reconnects = 0;
  #closed = false;

  constructor(subscriber: ChannelSubscriber, names: CacheNames) {
    this.#subscriber = subscriber;
    subscriber.onReconnect(() => {
      this.#reconnects += 1;
    });
    void subscriber.listen(names.replyChannel(this.#process), (message) => {
      const reply = JSON.parse(message) as Reply;
      this.#takers.get(reply.request)?.(reply);
    });
  }

  expect(): Waiting {
    const request = randomUUID();
    let take: (reply: Reply | undefined) => void = () => undefined;
    const reply = new Promise<Reply | undefined>((resolve) => {
      take = resolve;
    });
    const reconnects = this.#reconnects;
    if (this.#closed) take(undefined);
    this.#takers.set(request, take);
    return {
      address: { process: this.#process, request },
      wait: (timeoutMs) => within(reply, timeoutMs),
      mayBeMissed: () => !this.#subscriber.isListening || this.#reconnects !== reconnects,
      leave: () => void this.#takers.delete(request),
    };
  }

  /** Lets all who wait go on without. */
  close(): void {
    this.#closed = true;
    for (const take of this.#takers.values()) take(undefined);
  }

  get closed(): boolean {
    return this.#closed;
  }
}

async function within<Answer>(answer: Promise<Answer>, timeoutMs: number): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
