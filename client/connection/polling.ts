/** A transport that reads the state again and again, for networks that let no stream through. */
import type { State } from '../../shared/contract/state.ts';
import { RequestError, type SendFieldRequest } from './http.ts';
import { type Transport, type TransportEnd, type TransportOptions, toTransportEnd } from './transport.ts';

const pollIntervalMs = 2000;
/** After this many polls the transport ends, so that the selector can try a better one. */
const maxPolls = 30;

export function openPolling(sendRequest: SendFieldRequest, options: TransportOptions): Transport {
  const { token, onOpen, onMessage } = options;
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

  const pollUntilClosed = async (): Promise<TransportEnd> => {
    let etag: string | null = null;
    for (let poll = 0; !signal.aborted && poll < maxPolls; poll += 1) {
      let state: State | undefined;
      try {
        const headers = etag === null ? undefined : { 'if-none-match': etag };
        const response = await sendRequest('', { token, headers, signal });
        etag = response.etag ?? etag;
        if (response.status === 200) state = response.body as State;
      } catch (error) {
        // A field is created by its first update: until then it is empty, which is not an error.
        if (!(error instanceof RequestError) || error.code !== 'field_not_found') return toTransportEnd(error);
      }
      if (signal.aborted) break;
      if (poll === 0) onOpen();
      if (state) onMessage({ type: 'snapshot', cursor: state.cursor, reason: 'start', state });
      await pause();
    }
    return { reason: 'closed' };
  };

  return {
    name: 'polling',
    ended: pollUntilClosed(),
    probe: () => endPause(),
    renew: () => false,
    close() {
      abort.abort();
      endPause();
    },
  };
}
