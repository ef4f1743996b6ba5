/**
 * Keeps replica and outbox in step with the server: applies messages and results, resends updates whose results may have been
 * missed, and emits events about what has changed.
 */
import type { UpdateResult } from '../shared/contract/receipt.ts';
import type { ServerMessage } from '../shared/contract/stream.ts';
import { RequestError } from './connection/http.ts';
import type { Emitter } from './emitter.ts';
import type { KnownResult } from './outbox/outbox.ts';
import type { UpdateContent } from './outbox/outbox-item.ts';
import { SettlementTracker } from './outbox/settlement-tracker.ts';
import { type ClientServices, createServices } from './services.ts';
import { ConflictHistory } from './state/conflict-history.ts';
import type { ClientEvents, FieldClientOptions, FieldView, OutboxEntry, Status } from './types.ts';

/** Accepted updates are sent again when no result has arrived for this long. */
const resendAfterMs = 10_000;

export class Synchronizer {
  readonly services: ClientServices;
  readonly settlements = new SettlementTracker();
  readonly conflicts = new ConflictHistory();
  readonly #events: Emitter<ClientEvents>;
  #status: Status = 'closed';
  #lastResultAt = 0;

  constructor(options: FieldClientOptions, events: Emitter<ClientEvents>) {
    this.#events = events;
    this.services = createServices(options, {
      onChange: (entry) => this.#handleEntryChange(entry),
      onStatus: (status) => this.setStatus(status),
      onOpen: () => this.#resendAccepted(),
      onMessage: (message) => this.#handleMessage(message),
      onSettled: ({ results }) => this.#handleResponse(results),
      onSkipped: (counter) => this.#reportSkippedCounters(counter),
      onTick: () => this.#tick(),
      onProblem: (error, code) => this.#reportProblem(error, code),
    });
  }

  get status(): Status {
    return this.#status;
  }

  get view(): FieldView {
    const { replica, tokenProvider } = this.services;
    return replica.getView(tokenProvider.device);
  }

  addUpdate(content: UpdateContent): OutboxEntry {
    const { outbox, replica, sender } = this.services;
    const entry = outbox.add(content, replica.cursor);
    this.emitState();
    sender.notify();
    return entry;
  }

  emitState(): void {
    this.services.replica.invalidate();
    if (this.#events.hasListeners('state')) this.#events.emit('state', this.view);
  }

  setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#events.emit('status', status);
  }

  #handleMessage(message: ServerMessage): void {
    const { replica, connection, outbox, tokenProvider } = this.services;
    if (!replica.apply(message)) {
      connection.reopen();
      return;
    }
    const { device } = tokenProvider;
    if (message.type === 'delta') {
      const ownUpdates = message.updates.filter((update) => update.device === device);
      if (ownUpdates.length > 0) this.#settle(ownUpdates, 'delta');
      for (const conflict of message.conflicts ?? []) {
        this.#events.emit('conflict', this.conflicts.add(conflict, device));
      }
    }
    if (message.type === 'error') this.#reportProblem(new RequestError(message.problem.code, message.problem.title));
    outbox.dropSettled(replica.version);
    // A snapshot replaces the deltas that would have carried results.
    if (message.type === 'snapshot') this.#resendAccepted();
    if (message.type === 'snapshot' || message.type === 'delta' || message.type === 'presence') this.emitState();
    this.#events.emit('message', message);
  }

  #handleResponse(results: readonly UpdateResult[]): void {
    const { connection } = this.services;
    this.#settle(results, 'response');
    this.emitState();
    // Without a stream, the next poll brings the state that contains the updates.
    if (connection.transport === 'polling') connection.checkNow();
  }

  #settle(results: readonly KnownResult[], source: 'response' | 'delta'): void {
    const { outbox, counterSync, sender, replica } = this.services;
    this.#lastResultAt = Date.now();
    if (outbox.settle(results, source)) {
      counterSync.invalidate();
      sender.notify();
    }
    outbox.dropSettled(replica.version);
  }

  /** Results may have been missed while no stream was open. */
  #resendAccepted(): void {
    const { outbox, sender } = this.services;
    this.#lastResultAt = Date.now();
    outbox.resendAccepted();
    sender.retryNow();
    sender.notify();
  }

  #tick(): void {
    const { statePersister, replica, outbox, sender } = this.services;
    const now = Date.now();
    statePersister.saveThrottled(replica.server, now);
    if (now - this.#lastResultAt < resendAfterMs) return;
    this.#lastResultAt = now;
    outbox.resendAccepted();
    sender.notify();
  }

  #handleEntryChange(entry: OutboxEntry): void {
    this.services.replica.invalidate();
    this.settlements.record(entry);
    this.#events.emit('update', entry);
  }

  #reportSkippedCounters(counter: number): void {
    const message = `The stored outbox is older than the device: new updates continue above counter ${counter}.`;
    this.#reportProblem(new RequestError('counters_skipped', message));
  }

  /** @param code overrides the error's own code */
  #reportProblem(error: unknown, code?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    const ownCode = error instanceof RequestError ? error.code : 'unknown';
    this.#events.emit('problem', { code: code ?? ownCode, message });
  }
}
