/** Following by asking again and again, where no stream gets through. */
import type { State } from '../../shared/contract/state.ts';
import { type AskField, RequestError } from './http.ts';
import { endOf, type Transport, type TransportEnd, type TransportOptions } from './transport.ts';

const everyMs = 2000;
/** Then better ways are tried again. */
const maxRounds = 30;

export function openPolling(ask: AskField, options: TransportOptions): Transport {
  const { token, onOpen, onMessage } = options;
  let isOver = false;
  let call: () => void = () => undefined;
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      call = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const follow = async (): Promise<TransportEnd> => {
    let etag: string | null = null;
    for (let round = 0; !isOver && round < maxRounds; round += 1) {
      try {
        const headers = etag === null ? undefined : { 'if-none-match': etag };
        const answer = await ask('', { token, headers });
        etag = answer.etag ?? etag;
        const state = answer.status === 200 ? (answer.body as State) : undefined;
        if (round === 0) onOpen();
        if (state && !isOver) onMessage({ type: 'snapshot', version: state.version, state });
      } catch (error) {
        // A field that nobody has written to yet is no mistake.
        if (!(error instanceof RequestError) || error.code !== 'field_not_found') return endOf(error);
        if (round === 0) onOpen();
      }
      await pause();
    }
    return { why: 'closed' };
  };

  return {
    name: 'polling',
    ended: follow(),
    probe: () => call(),
    renew: () => false,
    close() {
      isOver = true;
      call();
    },
  };
}
