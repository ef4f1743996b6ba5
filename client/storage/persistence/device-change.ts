/**
 * Settles updates that may have been sent under a former device id before anything is sent under the present one: a device that
 * registers anew gets another id, under which the server would apply the same updates again.
 */
import type { Receipt, UpdateResult } from '../../../shared/contract/messages.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import { RequestError, type SendFieldRequest } from '../../connection/http.ts';
import type { Outbox } from '../../outbox/outbox.ts';
import type { SentByDevice } from '../../outbox/outbox-item.ts';

/** How many times receipts are requested while acknowledged updates wait in the server's queue. */
const maxAttempts = 30;
const retryAfterMs = 1000;

export interface DeviceChangeDeps {
  readonly sendRequest: SendFieldRequest;
  readonly tokenProvider: { readonly device: string | undefined };
  readonly outbox: Pick<Outbox, 'sentByFormerDevices' | 'resendAccepted' | 'claim'>;
  /** The cursor of the client's state. */
  readonly cursor: () => Cursor;
  readonly onResults: (results: readonly UpdateResult[]) => void;
}

interface Access {
  readonly token: string;
  readonly signal: AbortSignal;
}

export class DeviceChange {
  readonly #deps: DeviceChangeDeps;
  #attempts = 0;
  /** By device and counter. An attempt that fails, for example at a rate limit, is continued by the next one. */
  readonly #receipts = new Map<string, Receipt>();

  constructor(deps: DeviceChangeDeps) {
    this.#deps = deps;
  }

  /** @throws RequestError when the server does not answer, or has not yet applied acknowledged updates */
  async ensure(token: string, signal: AbortSignal): Promise<void> {
    const { tokenProvider, outbox } = this.#deps;
    if (tokenProvider.device === undefined) return;
    const foreign = outbox.sentByFormerDevices;
    if (foreign.length > 0) {
      await this.#settle(foreign, { token, signal });
      outbox.resendAccepted();
    }
    outbox.claim();
    this.#attempts = 0;
    this.#receipts.clear();
  }

  async #settle(foreign: readonly SentByDevice[], access: Access): Promise<void> {
    const { onResults } = this.#deps;
    const results: UpdateResult[] = [];
    const awaited: string[] = [];
    try {
      for (const { update, device, isAcknowledged } of foreign) {
        const result = await this.#findResult(device, update, access);
        if (result) results.push(result);
        else if (isAcknowledged) awaited.push(toKey(device, update));
      }
    } finally {
      if (results.length > 0) onResults(results);
    }
    this.#attempts += 1;
    if (awaited.length === 0 || this.#attempts >= maxAttempts) return;
    for (const key of awaited) this.#receipts.delete(key);
    const message = 'Updates that were accepted from the former device are not applied yet.';
    throw new RequestError('receipts_pending', message, 0, retryAfterMs);
  }

  /** @returns undefined if the server has not applied the update under the former id */
  async #findResult(former: string, update: SentUpdate, access: Access): Promise<UpdateResult | undefined> {
    const { cursor } = this.#deps;
    const { counter } = update;
    const receipt = await this.#readReceipt(former, update, access);
    const { status, version, outcome, resolution, cursor: appliedAt } = receipt;
    if (status !== 'applied') return undefined;
    if (version === undefined || outcome === undefined || appliedAt === undefined) {
      // Applied so long ago that the log no longer has it.
      return { counter, outcome: 'duplicate', version: versionOf(cursor()), cursor: cursor() };
    }
    if (!(await this.#isSameContent(version, update, access))) {
      this.#receipts.set(toKey(former, update), { ...receipt, status: 'unknown' });
      return undefined;
    }
    return { counter, outcome, version, cursor: appliedAt, ...(resolution ? { resolution } : {}) };
  }

  async #readReceipt(former: string, update: SentUpdate, access: Access): Promise<Receipt> {
    const key = toKey(former, update);
    const known = this.#receipts.get(key);
    if (known) return known;
    const path = `/updates/${former}/${update.counter}`;
    const { body } = await this.#deps.sendRequest(path, { ...access, expects: 'status' });
    this.#receipts.set(key, body as Receipt);
    return body as Receipt;
  }

  /** Whether the log has this update at a version. If the storage is a copy, its counter may be another update's. */
  async #isSameContent(version: number, update: SentUpdate, access: Access): Promise<boolean> {
    const { body } = await this.#deps.sendRequest(`/updates?after=${version - 1}&limit=1`, {
      ...access,
      expects: 'updates',
    });
    const [entry] = (body as { updates: readonly { update: SentUpdate }[] }).updates;
    return entry !== undefined && describeContent(entry.update) === describeContent(update);
  }
}

function toKey(device: string, { counter }: SentUpdate): string {
  return `${device} ${counter}`;
}

/** An update's content as text, with sorted keys. */
function describeContent({ counter, timestamp, seen, clock, ...content }: SentUpdate): string {
  return JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
