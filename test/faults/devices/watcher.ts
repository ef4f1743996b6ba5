/**
 * A device's WebSocket subscription: resumes from its cursor on a random API after a disconnect, and detects half-open
 * connections by a heartbeat.
 */
import { WebSocket } from 'ws';
import type { ServerMessage } from '../../../shared/contract/messages.ts';
import { streamProtocol } from '../../../shared/contract/wire.ts';
import { versionOf } from '../../../shared/field/cursor.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../shared/field/update.ts';
import type { Random } from '../../unit/field/support/seeded-random.ts';
import { Mirror } from './mirror.ts';

const pingIntervalMs = 4000;
const silenceTimeoutMs = 8000;
const acceptTimeoutMs = 4000;

export interface WatcherOptions {
  readonly field: FieldId;
  readonly token: string;
  readonly addresses: readonly string[];
  readonly random: Random;
  /** Called with every snapshot and every applied delta. */
  readonly onMessage: (message: ServerMessage) => void;
  readonly onAnomaly: (anomaly: string) => void;
}

interface PendingSend {
  readonly counters: string;
  readonly resolve: (durability: string | undefined) => void;
}

export class Watcher {
  readonly mirror = new Mirror();
  readonly #options: WatcherOptions;
  #socket: WebSocket | undefined;
  #lastMessageAt = 0;
  #pending: PendingSend[] = [];
  #retry: NodeJS.Timeout | undefined;
  readonly #heartbeatTimer: NodeJS.Timeout;
  #closed = false;
  /** Number of reconnects. */
  reconnects = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#heartbeatTimer = setInterval(() => this.#checkHeartbeat(), 1000);
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Sends updates over the socket. Resolves with the receipt's durability, or with undefined if none arrives within 4 s. */
  send(updates: readonly SentUpdate[]): Promise<string | undefined> {
    const counters = updates.map(({ counter }) => counter).join();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(counters, undefined), acceptTimeoutMs);
      this.#pending.push({
        counters,
        resolve: (durability) => {
          clearTimeout(timer);
          resolve(durability);
        },
      });
      // While it reconnects nothing is sent, and no receipt arrives.
      if (this.isOpen) this.#socket?.send(JSON.stringify({ type: 'update', updates }));
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeatTimer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const { field, token, addresses, random } = this.#options;
    const { cursor } = this.mirror;
    const address = random.pick(addresses).replace('http', 'ws');
    const url = `${address}/api/fields/${field}/stream${cursor === undefined ? '' : `?after=${cursor}`}`;
    const socket = new WebSocket(url, [streamProtocol, `bearer.${token}`], { handshakeTimeout: 3000 });
    this.#socket = socket;
    this.#lastMessageAt = Date.now();
    socket.on('error', () => undefined); // `close` follows.
    socket.on('pong', () => this.#recordActivity());
    socket.on('message', (data) => {
      this.#recordActivity();
      this.#receive(JSON.parse(data.toString()) as ServerMessage);
    });
    socket.on('close', () => this.#reconnect());
  }

  #reconnect(): void {
    for (const { counters } of [...this.#pending]) this.#settle(counters, undefined);
    if (this.#closed) return;
    this.reconnects += 1;
    this.#retry = setTimeout(() => this.#connect(), 100 + this.#options.random.below(900));
  }

  #receive(message: ServerMessage): void {
    const { onMessage, onAnomaly, field } = this.#options;
    if (message.type === 'accepted') this.#settle(message.counters.join(), message.durability);
    if (message.type === 'error') this.#settle(this.#pending[0]?.counters ?? '', undefined);
    if (message.type === 'snapshot') {
      if (versionOf(message.cursor) < this.mirror.version && message.reason !== 'unknown-cursor') {
        onAnomaly(`${field}: ${message.reason} snapshot of ${message.cursor} received at ${this.mirror.cursor}`);
      }
      this.mirror.applySnapshot(message);
      onMessage(message);
    }
    if (message.type === 'delta') this.#applyDelta(message);
  }

  #applyDelta(delta: Extract<ServerMessage, { type: 'delta' }>): void {
    const { onMessage, onAnomaly, field } = this.#options;
    const { cursor } = this.mirror;
    if (this.mirror.applyDelta(delta)) {
      onMessage(delta);
      return;
    }
    onAnomaly(`${field}: delta from ${delta.from} to ${delta.to} received at ${cursor}`);
    this.#socket?.terminate();
  }

  #settle(counters: string, durability: string | undefined): void {
    const found = this.#pending.find((send) => send.counters === counters);
    this.#pending = this.#pending.filter((send) => send !== found);
    found?.resolve(durability);
  }

  #recordActivity(): void {
    this.#lastMessageAt = Date.now();
  }

  #checkHeartbeat(): void {
    const silentMs = Date.now() - this.#lastMessageAt;
    if (!this.isOpen || silentMs < pingIntervalMs) return;
    if (silentMs > silenceTimeoutMs) this.#socket?.terminate();
    else this.#socket?.ping();
  }
}
