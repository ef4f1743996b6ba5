/**
 * Following by Server-Sent Events, where WebSockets do not get through. Read with fetch: an EventSource cannot send a token.
 * Nothing can be asked on this way; the server says something every 15 s.
 */
import { refusalOf } from '../http.ts';
import { endOf, parseMessage, type Transport, type TransportEnd, type TransportOptions } from './transport.ts';

const openWithinMs = 10_000;
const silentMs = 40_000;

export function openEventStream(fetch: typeof globalThis.fetch, options: TransportOptions): Transport {
  const { url, token, version, onOpen, onMessage } = options;
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expect = (withinMs: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), withinMs);
  };
  let retryAfterMs: number | undefined;

  const follow = async (): Promise<TransportEnd> => {
    expect(openWithinMs);
    const response = await fetch(`${url}/events?after=${version()}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      signal: abort.signal,
    });
    if (!response.ok) throw refusalOf(response, await response.text());
    const reader = response.body?.getReader?.();
    // React Native's fetch does not stream.
    if (!reader || typeof TextDecoder === 'undefined') {
      abort.abort();
      return { why: 'blocked' };
    }
    onOpen();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      expect(silentMs);
      const { done, value } = await reader.read();
      if (done) return { why: 'closed', retryAfterMs };
      const events = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data === undefined) continue;
        const message = parseMessage(data);
        if (message?.type === 'bye') retryAfterMs = message.retryAfter * 1000;
        if (message) onMessage(message);
      }
    }
  };
  const ended = follow()
    .catch(endOf)
    .finally(() => clearTimeout(timer));

  return {
    name: 'sse',
    ended,
    // Opening it again is as cheap as asking would be, and resumes where it was.
    probe: () => abort.abort(),
    renew: () => false,
    close: () => abort.abort(),
  };
}
