/** Following by asking again and again, where no stream gets through. */
import type { State } from '../../shared/contract/state.ts';
import { RequestError, type SendFieldRequest } from './http.ts';
import { type Transport, type TransportEnd, type TransportOptions, toTransportEnd } from './transport.ts';

const pollIntervalMs = 2000;
/** Then better ways are tried again. */
const maxPolls = 30;

export function openPolling(sendRequest: SendFieldRequest, options: TransportOptions): Transport {
  const { token, onOpen, onMessage } = options;
  let isClosed = false;
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
    for (let poll = 0; !isClosed && poll < maxPolls; poll += 1) {
      try {
        const headers = etag === null ? undefined : { 'if-none-match': etag };
        const response = await sendRequest('', { token, headers });
        etag = response.etag ?? etag;
        const state = response.status === 200 ? (response.body as State) : undefined;
        if (poll === 0) onOpen();
        if (state && !isClosed) onMessage({ type: 'snapshot', version: state.version, state });
      } catch (error) {
        // A field that nobody has written to yet is no mistake.
        if (!(error instanceof RequestError) || error.code !== 'field_not_found') return toTransportEnd(error);
        if (poll === 0) onOpen();
      }
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
      isClosed = true;
      endPause();
    },
  };
}
