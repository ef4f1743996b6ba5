/** A transport that polls the state, for networks that block streams. */
import type { SnapshotReason, State } from '../../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../../shared/field/cursor.ts';
import { RequestError, type SendFieldRequest } from './http.ts';
import { type Transport, type TransportEnd, type TransportOptions, toTransportEnd } from './transport.ts';

const pollIntervalMs = 2000;

/** @param durationMs after this time it ends, so that the selector can try a better transport */
export function openPolling(sendRequest: SendFieldRequest, options: TransportOptions, durationMs: number): Transport {
  const { token, cursor, isHistoryBroken, region, emptyState, onOpen, onMessage } = options;
  const abort = new AbortController();
  const { signal } = abort;
  let endPause: () => void = () => undefined;
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollIntervalMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  let etag: string | null = null;
  let etagPart = '';
  /** @returns undefined when the state has not changed */
  const readState = async (part: string): Promise<State | undefined> => {
    try {
      const headers = etag === null || part !== etagPart ? undefined : { 'if-none-match': etag };
      const response = await sendRequest(part && `?${part}`, { token, headers, expects: 'cursor', signal });
      etag = response.etag ?? etag;
      etagPart = part;
      return response.status === 200 ? (response.body as State) : undefined;
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 'field_not_found') throw error;
      // A field is created by its first update: until then it is empty, which is not an error.
      return versionOf(cursor()) === 0 ? undefined : emptyState();
    }
  };

  /**
   * A stream gives the reason for a snapshot; a poll has to determine whether the state continues the client's. It does not if its
   * version is lower, or equal with another hash. Otherwise only the log can show it, which is read only if the client has updates
   * that it would send again.
   */
  const findReason = async (next: Cursor): Promise<SnapshotReason> => {
    const current = cursor();
    if (next !== current && versionOf(next) <= versionOf(current)) return 'unknown-cursor';
    return (await isHistoryBroken?.(next, { token, signal })) ? 'unknown-cursor' : 'start';
  };

  let isOpen = false;
  const pollUntilClosed = async (): Promise<TransportEnd> => {
    const openedAt = Date.now();
    while (!signal.aborted && Math.abs(Date.now() - openedAt) < durationMs) {
      try {
        const part = region();
        const state = await readState(part);
        const reason = state && (await findReason(state.cursor));
        if (signal.aborted) break;
        // The watched region has changed meanwhile.
        if (part !== region()) continue;
        if (!isOpen) onOpen();
        isOpen = true;
        if (state && reason) onMessage({ type: 'snapshot', cursor: state.cursor, reason, state });
      } catch (error) {
        return toTransportEnd(error);
      }
      await pause();
    }
    return { reason: 'closed' };
  };

  return {
    name: 'polling',
    ended: pollUntilClosed(),
    probe: () => endPause(),
    send: () => 0,
    close() {
      abort.abort();
      endPause();
    },
  };
}
