/**
 * Keeps replica and outbox in step with the server: applies messages and results, resends updates whose results may have been
 * missed, and emits events about what has changed.
 */
import type { AppliedResponse, ServerMessage, SnapshotReason, UpdateResult } from '../shared/contract/messages.ts';
import { type Cursor, versionOf } from '../shared/field/cursor.ts';
import type { Region } from '../shared/field/math/region.ts';
import { tickIntervalMs } from './connection/connection.ts';
import { RequestError } from './connection/http.ts';
import type { Emitter } from './emitter.ts';
import type { FieldClientOptions } from './options.ts';
import type { ItemOrigin } from './outbox/outbox-item.ts';
import { SettlementTracker } from './outbox/settlement-tracker.ts';
import { type ClientServices, createServices } from './services.ts';
import { ConflictHistory } from './state/conflict-history.ts';
import { isSameRegion, toRegion } from './state/region.ts';
import type { ClientEvents, ClientProblem, FieldClient, FieldView, OutboxEntry, Status } from './types.ts';
import type { UpdateContent } from './updates/update-content.ts';

type Delta = Extract<ServerMessage, { type: 'delta' }>;

/** Accepted updates are sent again when no result has arrived for this long. */
const resendAfterMs = 10_000;
/** How often failed writes are retried, and updates that only a response settles are sent again, whatever else arrives. */
const retryAfterMs = 10_000;

/** The synchronizers of clients, for the package's own modules. */
export const synchronizers = new WeakMap<FieldClient, Synchronizer>();

export class Synchronizer {
  readonly services: ClientServices;
  readonly settlements = new SettlementTracker();
  readonly conflicts = new ConflictHistory();
  readonly #events: Emitter<ClientEvents>;
  #status: Status = 'closed';
  #problem: ClientProblem | undefined;
  /** The time since this client was created, in ms; from ticks, since the wall clock may be set back by hours. */
  #tickedMs = 0;
  /** The value of `#tickedMs` when results last arrived or were requested. */
  #lastResultAt = 0;
  #lastRetryAt = 0;
  /** The number of the last message that requested a region. */
  #regionMessage = 0;
  #isRegionRefused = false;

  constructor(options: FieldClientOptions, events: Emitter<ClientEvents>) {
    this.#events = events;
    this.services = createServices(options, {
      onChange: (entry) => this.#handleEntryChange(entry),
      onStatus: (status) => this.setStatus(status),
      onOpen: () => {
        this.#resendAccepted();
        this.#checkHistory();
        this.#isRegionRefused = false;
        this.#requestRegion();
      },
      onMessage: (message) => this.#handleMessage(message),
      onAccepted: (counters) => this.#handleAcceptance(counters),
      onSettled: (response) => this.#handleResponse(response),
      onFormerResults: (results) => {
        this.#settle(results, 'response');
        this.emitState();
      },
      onAccount: () => this.#handleAccount(),
      onSetAside: (count) => this.#reportOtherAccount(count),
      onSkipped: (counter) => this.#reportSkippedCounters(counter),
      onConfirmed: () => this.emitState(),
      onLost: () => {
        this.#resendKept();
        this.emitState();
      },
      onTick: () => this.#tick(),
      onProblem: (error, code) => this.#reportProblem(error, code),
    });
  }

  get status(): Status {
    return this.#status;
  }

  /** The newest problem since the client last connected or received a result. */
  get problem(): ClientProblem | undefined {
    return this.#problem;
  }

  get view(): FieldView {
    const { replica, tokenProvider } = this.services;
    return replica.getView(tokenProvider.device);
  }

  /** @param seen the cursor of the state that the change was made on */
  addUpdate(content: UpdateContent, seen = this.services.replica.cursor, origin?: ItemOrigin): OutboxEntry {
    const { outbox, sender } = this.services;
    const entry = outbox.add(content, seen, origin);
    this.emitState();
    sender.notify();
    return entry;
  }

  setRegion(region: Region | null): void {
    const { replica, connection } = this.services;
    const next = toRegion(region);
    if (isSameRegion(next, replica.region)) return;
    replica.region = next;
    if (connection.transport) this.#requestRegion();
  }

  /** Requests the region to watch, if the stream was opened for another one, or the server has refused the request. */
  #requestRegion(): void {
    const { replica, connection } = this.services;
    const { region, requestedRegion, server } = replica;
    // A snapshot of the former region may be in flight, and would look like one of the whole field.
    if (requestedRegion && !region) {
      connection.reopen();
      return;
    }
    if (!this.#isRegionRefused && region === requestedRegion && (region || !server.region)) return;
    const number = connection.send({ type: 'region', region: region ?? null });
    if (number === 0) {
      connection.checkNow();
      return;
    }
    this.#regionMessage = number;
    this.#isRegionRefused = false;
    replica.requestedRegion = region;
  }

  emitState(): void {
    this.services.replica.invalidate();
    if (this.#events.hasListeners('state')) this.#events.emit('state', this.view);
  }

  setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    if (status === 'live' || status === 'polling') this.#problem = undefined;
    this.#events.emit('status', status);
  }

  #handleMessage(message: ServerMessage): void {
    const { replica, connection, sender } = this.services;
    const before = replica.cursor;
    const effect = replica.apply(message);
    if (effect === 'gap') {
      connection.reopen();
      return;
    }
    if (message.type === 'delta' && effect === 'applied') this.#handleDelta(message);
    if (message.type === 'snapshot') this.#handleSnapshot(message.reason, before);
    if (!sender.handleMessage(message) && message.type === 'error') {
      if (message.messageNumber === this.#regionMessage) this.#isRegionRefused = true;
      this.#reportProblem(message.problem.title, message.problem.code);
    }
    if (effect === 'applied') this.emitState();
    this.#events.emit('message', message);
  }

  #handleDelta({ from, to, updates, conflicts = [] }: Delta): void {
    const { outbox, sender, tokenProvider } = this.services;
    const { device } = tokenProvider;
    const ownResults = updates
      .filter((update) => update.device === device)
      .map((update) => ({ ...update, cursor: to }));
    if (ownResults.length > 0) this.#settle(ownResults, 'delta');
    if (outbox.applied.followDelta(versionOf(from), versionOf(to), updates)) sender.notify();
    for (const conflict of conflicts) this.#events.emit('conflict', this.conflicts.add(conflict, device));
  }

  /** A snapshot replaces the deltas that would have carried results. */
  #handleSnapshot(reason: SnapshotReason, before: Cursor): void {
    const { outbox, replica, historyCheck } = this.services;
    if (reason === 'unknown-cursor') this.#resendKept();
    // The server has found the client's cursor in its log.
    else if (reason === 'region') this.#checkHistory(replica.version);
    // A poll has verified that the state continues the client's.
    else if (reason === 'start') outbox.applied.confirm(replica.version);
    // The server has not checked its log if it could not reach PostgreSQL.
    else historyCheck.checkSnapshot(before);
    this.#resendAccepted();
  }

  #handleAcceptance(counters: readonly number[]): void {
    const { outbox, replica } = this.services;
    const early = outbox.markAccepted(counters);
    if (early.length === 0) return;
    this.#settle(early, 'delta');
    // The state continues what those deltas have led to, unless a snapshot has replaced it.
    const passed = early.flatMap(({ cursor }) => (replica.hasPassed(cursor) ? cursor : []));
    outbox.applied.confirm(replica.version, new Set(passed));
    this.emitState();
  }

  #handleResponse({ results, cursor }: AppliedResponse): void {
    const { connection, outbox, replica } = this.services;
    // One query has read all results, so the newest of their cursors proves each of them.
    const newest = results.reduce((a, b) => (b.version > a.version ? b : a)).cursor;
    const proven = results.map((result) => ({ ...result, cursor: newest }));
    this.#settle(proven, 'response');
    if (replica.hasPassed(newest) || replica.hasPassed(cursor))
      outbox.applied.confirm(replica.version, new Set([newest]));
    else this.#checkHistory(replica.version);
    this.emitState();
    // Without a stream, the next poll brings the state that contains the updates.
    if (connection.transport === 'polling') connection.checkNow();
  }

  #settle(results: readonly UpdateResult[], source: 'response' | 'delta'): void {
    const { outbox, counterSync, sender } = this.services;
    this.#lastResultAt = this.#tickedMs;
    this.#problem = undefined;
    if (!outbox.settle(results, source)) return;
    counterSync.invalidate();
    sender.notify();
  }

  /** Results may have been missed while no stream was open. */
  #resendAccepted(): void {
    const { outbox, sender } = this.services;
    this.#lastResultAt = this.#tickedMs;
    outbox.resendAccepted();
    sender.retryNow();
    sender.notify();
  }

  /** Requests a check of the results of own updates, up to a version, that the state does not show. */
  #checkHistory(maxVersion?: number): void {
    const { historyCheck, sender } = this.services;
    if (historyCheck.checkUnproven(maxVersion)) sender.notify();
  }

  /** The server has another history, so it may have lost any of the updates that it has confirmed. */
  #resendKept(): void {
    const { outbox, historyCheck, sender } = this.services;
    historyCheck.cancel();
    outbox.forgetEarlyResults();
    const count = outbox.applied.resendAll();
    if (count === 0) return;
    this.#reportProblem(`${count} updates are sent again: the server may have lost them.`, 'history_changed');
    sender.notify();
  }

  #tick(): void {
    const { persistence, store, replica, outbox, historyCheck, sender } = this.services;
    this.#tickedMs += tickIntervalMs;
    const now = this.#tickedMs;
    const { server } = replica;
    // A later process detects lost updates by the cursor of the stored state. So that must not be newer than the stored outbox, nor
    // than what the log is known to contain.
    if (!historyCheck.isOpen) void store.flush().then(() => persistence.state.saveThrottled(server, tickIntervalMs));
    if (this.#status === 'live' || this.#status === 'polling') store.addConnectedTime(tickIntervalMs);
    if (historyCheck.tick(tickIntervalMs)) sender.notify();
    if (now - this.#lastRetryAt >= retryAfterMs) {
      this.#lastRetryAt = now;
      outbox.resendUnverified();
      store.retry();
      if (this.#status === 'live') this.#requestRegion();
      sender.notify();
    }
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

  #handleAccount(): void {
    this.services.outbox.separateAccounts();
    this.emitState();
    this.services.sender.notify();
  }

  #reportOtherAccount(count: number): void {
    this.#reportProblem(`${count} updates wait for another account.`, 'other_account');
  }

  #reportSkippedCounters(counter: number): void {
    this.#reportProblem(`Another copy of the device has used counter ${counter}.`, 'counters_skipped');
  }

  /** @param code overrides the error's own code */
  #reportProblem(error: unknown, code?: string): void {
    const message = error instanceof Error ? error.message : String(error);
    const ownCode = error instanceof RequestError ? error.code : 'unknown';
    this.#problem = { code: code ?? ownCode, message };
    this.#events.emit('problem', this.#problem);
  }
}
