/**
 * Following by WebSocket. A socket that died without a word (sleep, aeroplane mode, another network) looks like a quiet
 * one: it is asked, and ended when no answer comes in time.
 */
import type { ServerMessage } from '../../shared/contract/stream.ts';
import { bearerProtocolPrefix, closeCodes, streamProtocol } from '../../shared/contract/wire.ts';
import type { SocketConstructor } from '../types.ts';
import { parseMessage, type Transport, type TransportEnd, type TransportOptions } from './transport.ts';

const openWithinMs = 10_000;
const probeEveryMs = 15_000;
const probeWithinMs = 5000;

export function openWebSocket(Socket: SocketConstructor, options: TransportOptions): Transport {
  const { url, token, version, clock, onOpen, onMessage } = options;
  let end: (end: TransportEnd) => void = () => undefined;
  const ended = new Promise<TransportEnd>((resolve) => {
    end = resolve;
  });
  const address = `${url.replace(/^http/, 'ws')}/stream?after=${version()}`;
  const socket = new Socket(address, [streamProtocol, bearerProtocolPrefix + token]);
  let isOpen = false;
  let isTaken = false;
  let isOver = false;
  let goodbye: TransportEnd | undefined;
  let heard = 0;
  let pingedAt: number | undefined;

  const finish = (reason: TransportEnd) => {
    if (isOver) return;
    isOver = true;
    clearInterval(prober);
    clearTimeout(opening);
    socket.close();
    end(goodbye ?? reason);
  };
  const probe = (withinMs: number) => {
    if (!isOpen || isOver) return;
    const before = heard;
    pingedAt ??= clock.wall();
    socket.send('{"type":"ping"}');
    setTimeout(() => {
      if (heard === before) finish({ why: 'closed' });
    }, withinMs);
  };
  const prober = setInterval(() => probe(probeWithinMs), probeEveryMs);
  const opening = setTimeout(() => finish({ why: 'closed' }), openWithinMs);

  const receive = (message: ServerMessage) => {
    // A token that is not taken gets its socket as well, with an error and a close code that say why.
    if (!isTaken && message.type !== 'error') {
      isTaken = true;
      onOpen();
    }
    if (message.type === 'pong') {
      if (pingedAt !== undefined) clock.correct(message.serverTime, pingedAt);
      pingedAt = undefined;
    }
    if (message.type === 'bye') goodbye = { why: 'closed', retryAfterMs: message.retryAfter * 1000 };
    onMessage(message);
  };

  socket.addEventListener('open', () => {
    clearTimeout(opening);
    if (isOver) return socket.close();
    isOpen = true;
    // There is an answer whatever the field's state, and it tells the server's time.
    probe(probeWithinMs);
  });
  socket.addEventListener('message', ({ data }) => {
    heard += 1;
    const message = isOver || typeof data !== 'string' ? undefined : parseMessage(data);
    if (message) receive(message);
  });
  socket.addEventListener('error', () => undefined); // `close` follows, and says more.
  socket.addEventListener('close', ({ code }) => {
    if (code === closeCodes.tokenExpired) finish({ why: 'expired' });
    else if (code === closeCodes.forbidden) finish({ why: 'forbidden' });
    else if (isOpen) finish({ why: 'closed' });
    else finish({ why: 'blocked' });
  });

  return {
    name: 'websocket',
    ended,
    probe,
    renew(next) {
      if (!isOpen || isOver) return false;
      socket.send(JSON.stringify({ type: 'token', token: next }));
      return true;
    },
    close: () => finish({ why: 'closed' }),
  };
}
