/**
 * The WebSocket transport. A connection that was lost without a close (sleep, aeroplane mode, another network) cannot be
 * distinguished from an idle one, so it is probed with pings, and ends when nothing arrives in time. A message shows no progress
 * until it is complete, so the connection may be silent for longer while the state loads, which takes a minute on a slow link.
 */
import type { ClientMessage, ServerMessage } from '../../shared/contract/messages.ts';
import { bearerProtocolPrefix, closeCodes, deflateProtocol, streamProtocol } from '../../shared/contract/wire.ts';
import type { SocketConstructor } from '../options.ts';
import { parseMessage, type Transport, type TransportEnd, type TransportOptions } from './transport.ts';

const openTimeoutMs = 10_000;
const probeIntervalMs = 15_000;
const probeTimeoutMs = 5000;
/** Four megabytes at 70 kB/s. Slower links fall back to polling, which sees the chunks of a response. */
const loadTimeoutMs = 60_000;

export function openWebSocket(Socket: SocketConstructor, options: TransportOptions): Transport {
  const { url, token, cursor, region, clock, onOpen, onMessage } = options;
  let resolveEnd: (end: TransportEnd) => void = () => undefined;
  const ended = new Promise<TransportEnd>((resolve) => {
    resolveEnd = resolve;
  });
  const address = `${url.replace(/^http/, 'ws')}/stream?after=${cursor()}&${region()}`;
  // React Native, for example, cannot decompress.
  const protocols = 'DecompressionStream' in globalThis ? [deflateProtocol, streamProtocol] : [streamProtocol];
  const socket = new Socket(address, [...protocols, bearerProtocolPrefix + token]);
  socket.binaryType = 'arraybuffer';
  let isOpen = false;
  let isAccepted = false;
  let isClosed = false;
  /** True until the state has arrived, or two pongs without it show that the client is up to date. */
  let isLoading = true;
  let pongCount = 0;
  const silenceTimers = new Set<ReturnType<typeof setTimeout>>();
  let serverShutdown: TransportEnd | undefined;
  let receivedCount = 0;
  let pingSentAt: number | undefined;
  let sentCount = 0;
  /** Messages that are being decompressed, or wait behind one so that none overtakes another. */
  let waitingCount = 0;
  let lastMessage: Promise<void> = Promise.resolve();

  const finish = (reason: TransportEnd) => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(probeTimer);
    clearTimeout(openTimer);
    // Otherwise they keep the process alive.
    for (const timer of silenceTimers) clearTimeout(timer);
    socket.close();
    resolveEnd(serverShutdown ?? reason);
  };
  const send = (message: ClientMessage): number => {
    // The server's answer would wait behind the state; after a POST it does not.
    if (!isOpen || isClosed || (isLoading && message.type === 'update')) return 0;
    socket.send(JSON.stringify(message));
    sentCount += 1;
    return sentCount;
  };
  const probe = (timeoutMs: number) => {
    if (!send({ type: 'ping' })) return;
    const countBefore = receivedCount;
    pingSentAt ??= clock.wallTime();
    const timer = setTimeout(
      () => {
        silenceTimers.delete(timer);
        if (receivedCount === countBefore) finish({ reason: isLoading ? 'blocked' : 'closed' });
      },
      isLoading ? loadTimeoutMs : timeoutMs,
    );
    silenceTimers.add(timer);
  };
  const probeTimer = setInterval(() => probe(probeTimeoutMs), probeIntervalMs);
  const openTimer = setTimeout(() => finish({ reason: 'closed' }), openTimeoutMs);

  const receive = (message: ServerMessage) => {
    // The server accepts the socket even if it rejects the token, and then sends an error and a close code with the reason.
    if (!isAccepted && message.type !== 'error') {
      isAccepted = true;
      onOpen();
    }
    if (message.type === 'snapshot' || message.type === 'delta') isLoading = false;
    if (message.type === 'pong') {
      pongCount += 1;
      if (pongCount === 2) isLoading = false;
      if (pingSentAt !== undefined) clock.correct(message.serverTime, pingSentAt);
      pingSentAt = undefined;
    }
    if (message.type === 'bye') serverShutdown = { reason: 'closed', retryAfterMs: message.retryAfter * 1000 };
    onMessage(message);
  };

  const receiveText = (text: string) => {
    const message = isClosed ? undefined : parseMessage(text);
    if (message) receive(message);
  };

  socket.addEventListener('open', () => {
    clearTimeout(openTimer);
    if (isClosed) return socket.close();
    // An intermediary, not the server, has accepted the connection.
    if (socket.protocol !== undefined && !protocols.includes(socket.protocol)) return finish({ reason: 'blocked' });
    isOpen = true;
    // The pong confirms the connection even if the field has nothing to send, and carries the server's time.
    probe(probeTimeoutMs);
  });
  socket.addEventListener('message', ({ data }) => {
    receivedCount += 1;
    if (waitingCount === 0 && typeof data === 'string') return receiveText(data);
    const inflated = typeof data === 'string' ? data : inflate(data as ArrayBuffer);
    waitingCount += 1;
    lastMessage = Promise.all([inflated, lastMessage]).then(
      ([text]) => {
        waitingCount -= 1;
        receiveText(text);
      },
      () => finish({ reason: 'blocked' }),
    );
  });
  // Without a listener `ws` would throw. The `close` event that follows has the reason.
  socket.addEventListener('error', () => undefined);
  socket.addEventListener('close', ({ code }) => {
    if (code === closeCodes.tokenExpired) finish({ reason: 'expired' });
    else if (code === closeCodes.forbidden) finish({ reason: 'forbidden' });
    else if (isOpen) finish({ reason: 'closed' });
    else finish({ reason: 'blocked' });
  });

  return {
    name: 'websocket',
    ended,
    probe,
    send,
    close: () => finish({ reason: 'closed' }),
  };
}

function inflate(data: ArrayBuffer): Promise<string> {
  return new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
}
