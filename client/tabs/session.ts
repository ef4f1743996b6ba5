/**
 * Leader election among tabs, and the routing of their messages. The page that holds the lock leads; when it is gone, the browser
 * grants the lock to another page. A leader that does not answer, since the browser has suspended it, loses the lock to a visible
 * tab. It may still use its slot when it resumes, so the new leader takes another slot.
 */

import type { ClientMessage } from '../../shared/contract/messages.ts';
import type { Region } from '../../shared/field/math/region.ts';
import { RequestError } from '../connection/http.ts';
import type { FieldClientOptions } from '../options.ts';
import { isSameRegion } from '../state/region.ts';
import type { Inbox, Inboxes } from './inboxes.ts';
import { Leader } from './leader.ts';
import { type HeldLock, type LockManagerLike, waitForLock } from './locks.ts';
import type { LeaderMessage, TabMessage } from './messages.ts';
import type { Mirror } from './mirror.ts';
import type { OwnEdits } from './own-edits.ts';
import type { Slots } from './slots.ts';

const tickMs = 1000;
/** A visible tab takes the lead from a leader that has not answered for this many seconds. */
const maxSilentTicks = 5;
/** A crashed page may release its locks one after the other. */
const slotPatienceMs = 500;

/** The part of a `BroadcastChannel` that is used. */
export interface ChannelLike {
  postMessage(message: unknown): void;
  close(): void;
  addEventListener(name: 'message', listener: (event: { data: unknown }) => void): void;
}

export interface SessionDeps {
  readonly options: FieldClientOptions;
  readonly locks: LockManagerLike;
  readonly channel: ChannelLike;
  /** The name of the lock that the leader holds. */
  readonly leadLock: string;
  readonly makeSlots: () => Slots;
  readonly inboxes: Inboxes;
  readonly isVisible: () => boolean;
  /** An id that no other tab has. */
  readonly tab: string;
  readonly mirror: Mirror;
  readonly ownEdits: OwnEdits;
  /** Another tab has sent a message to the server. */
  readonly onOtherMessage: (message: ClientMessage) => void;
  readonly onProblem: (error: unknown) => void;
}

interface Reading {
  readonly path: string;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class Session {
  readonly #deps: SessionDeps;
  readonly #readings = new Map<number, Reading>();
  #readingCount = 0;
  #inbox: Inbox | undefined;
  #leading: { readonly leader: Leader; readonly lock: HeldLock } | undefined;
  #competing = new AbortController();
  /** The shutdown of this tab's leader after its lock was stolen. */
  #following: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isSilent = false;
  #silentTicks = 0;
  #isAsking = false;
  /** Reset by the next tick, which tries again. */
  #hasFailedToLead = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #handleLoaded: () => void = () => undefined;
  /** The region that this tab has requested, kept until a leader watches it: without a leader a message would be lost. */
  #requestedRegion: { readonly region: Region | undefined } | undefined;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
  }

  /** Resolves when there is a leader that has read the storage, or the session is closed. */
  async start(): Promise<void> {
    const { channel, inboxes, ownEdits, onProblem } = this.#deps;
    const loaded = new Promise<void>((resolve) => {
      this.#handleLoaded = resolve;
    });
    channel.addEventListener('message', ({ data }) => this.#receive(data as LeaderMessage | TabMessage));
    const inbox = await inboxes.acquire();
    this.#inbox = inbox;
    // Edits are sent even without an inbox.
    await ownEdits.open(inbox.store).catch(onProblem);
    // The session was closed while it was starting.
    if (this.#isClosed) return ownEdits.close().then(() => inbox.lock.release());
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#compete({ signal: this.#competing.signal });
    this.#announce(true);
    await loaded;
  }

  /** Hands the lead to another tab, which finds undelivered edits in the inbox. */
  async close(): Promise<void> {
    const { channel, ownEdits } = this.#deps;
    this.#isClosed = true;
    this.#handleLoaded();
    clearInterval(this.#timer);
    this.#competing.abort();
    await this.#leading?.leader.stop();
    await this.#following;
    await ownEdits.close();
    this.#leading?.lock.release();
    this.#inbox?.lock.release();
    this.#isSilent = true;
    channel.close();
    for (const { reject } of this.#readings.values()) reject(new RequestError('network', 'The client was closed.'));
  }

  /** Sends a message to the leader. */
  post(message: TabMessage): void {
    if (this.#isClosed) return;
    this.#leading?.leader.receive(message);
    // All tabs must see what the device shows to others.
    if (!this.#leading || message.type === 'send') this.#broadcast(message);
  }

  /** @param region undefined for the whole field */
  setRegion(region: Region | undefined): void {
    this.#requestedRegion = { region };
    this.post({ type: 'region', region: region ?? null });
  }

  /** @param isRepeated whether edits that the leader may have are sent again */
  deliver(isRepeated = false): void {
    const { mirror, ownEdits } = this.#deps;
    const { term, facts } = mirror;
    if (term === 0 || this.#isClosed) return;
    const edits = ownEdits.takeDue(term, facts.openTerms, isRepeated);
    if (edits.length > 0) this.post({ type: 'edits', term, edits });
  }

  read(path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#readingCount += 1;
      this.#readings.set(this.#readingCount, { path, resolve, reject });
      this.post({ type: 'read', tab: this.#deps.tab, id: this.#readingCount, path });
    });
  }

  #announce(needsState: boolean): void {
    if (!this.#inbox || (needsState && this.#isAsking)) return;
    this.#isAsking ||= needsState;
    this.post({ type: 'hello', tab: this.#deps.tab, inbox: this.#inbox.number, needsState });
  }

  #receive(message: LeaderMessage | TabMessage): void {
    if (this.#isClosed) return;
    const { mirror, ownEdits, tab } = this.#deps;
    switch (message.type) {
      case 'state':
        this.#silentTicks = 0;
        if (message.to === undefined || message.to === tab) this.#handleState(message);
        return;
      case 'change':
        this.#silentTicks = 0;
        if (!mirror.change(message)) this.#announce(true);
        else if (message.facts) this.deliver();
        this.#confirmRegion();
        return;
      case 'stored':
        if (ownEdits.confirm(message.keys)) mirror.handleOwnEdits();
        mirror.settle(message.settled);
        return;
      case 'answer':
        if (message.to === tab) this.#handleAnswer(message);
        return;
      case 'alive':
        this.#silentTicks = 0;
        if (message.term !== 0 && !mirror.isCurrent(message.term, message.sequence)) this.#announce(true);
        return;
      case 'send':
        this.#deps.onOtherMessage(message.message);
        this.#leading?.leader.receive(message);
        return;
      case 'region':
        // A later request of another tab replaces this tab's.
        this.#requestedRegion = undefined;
        this.#leading?.leader.receive(message);
        return;
      default:
        this.#leading?.leader.receive(message);
    }
  }

  #handleState(message: Extract<LeaderMessage, { type: 'state' }>): void {
    const { mirror } = this.#deps;
    const { term } = mirror;
    const lost = mirror.replace(message);
    if (!lost) return;
    this.#isAsking = false;
    if (term !== message.term) {
      this.#announce(false);
      for (const [id, { path }] of this.#readings) this.post({ type: 'read', tab: this.#deps.tab, id, path });
      this.#confirmRegion();
      if (this.#requestedRegion) this.setRegion(this.#requestedRegion.region);
    } else this.#confirmRegion();
    if (lost.length > 0) this.post({ type: 'find', keys: lost });
    this.deliver(true);
    this.#handleLoaded();
  }

  #confirmRegion(): void {
    const requested = this.#requestedRegion;
    if (requested && isSameRegion(requested.region, this.#deps.mirror.facts.region)) this.#requestedRegion = undefined;
  }

  #handleAnswer({ id, answer }: Extract<LeaderMessage, { type: 'answer' }>): void {
    const reading = this.#readings.get(id);
    this.#readings.delete(id);
    if ('body' in answer) reading?.resolve(answer.body);
    else {
      const { code, message, status, retryAfterMs } = answer.error;
      reading?.reject(new RequestError(code, message, status, retryAfterMs));
    }
  }

  #compete(options: { readonly signal: AbortSignal } | { readonly steal: true }): void {
    const { locks, leadLock, onProblem } = this.#deps;
    const { signal } = this.#competing;
    waitForLock(locks, leadLock, options).then(
      (lock) => this.#lead(lock, 'steal' in options),
      (error) => {
        if (!this.#isClosed && !signal.aborted) onProblem(error);
      },
    );
  }

  async #lead(lock: HeldLock, isStolen: boolean): Promise<void> {
    if (this.#isClosed || this.#leading) return lock.release();
    const { options, mirror, inboxes, makeSlots, onProblem } = this.#deps;
    const { region, ...others } = options;
    // All tabs watch the same region, whichever of them leads.
    const current = mirror.term === 0 ? region : mirror.facts.region;
    const watched = this.#requestedRegion ? this.#requestedRegion.region : current;
    const leader = new Leader({
      ...{
        options: watched ? { ...others, region: watched } : others,
        inboxes,
        slots: makeSlots(),
        server: mirror.server,
        conflicts: mirror.conflicts,
      },
      slotPatienceMs: isStolen ? 0 : slotPatienceMs,
      publish: (message) => {
        this.#broadcast(message);
        this.#receive(message);
      },
    });
    this.#leading = { leader, lock };
    lock.onStolen(() => {
      this.#following = this.#follow(leader);
    });
    await leader.start().catch(async (error) => {
      onProblem(error);
      await leader.stop();
      if (this.#leading?.leader === leader) this.#leading = undefined;
      lock.release();
      this.#hasFailedToLead = !this.#isClosed;
    });
  }

  /** Another tab has taken the lead while this page was suspended. */
  async #follow(leader: Leader): Promise<void> {
    this.#leading = undefined;
    await leader.stop();
    if (this.#isClosed) return;
    this.#compete({ signal: this.#competing.signal });
    this.#announce(true);
  }

  #broadcast(message: LeaderMessage | TabMessage): void {
    if (!this.#isSilent) this.#deps.channel.postMessage(message);
  }

  #tick(): void {
    this.deliver(true);
    if (this.#hasFailedToLead) this.#compete({ signal: this.#competing.signal });
    this.#hasFailedToLead = false;
    if (this.#leading || !this.#deps.isVisible()) {
      this.#silentTicks = 0;
      return;
    }
    this.#silentTicks += 1;
    this.#isAsking = false;
    this.#broadcast({ type: 'ping' });
    if (this.#silentTicks <= maxSilentTicks) return;
    this.#silentTicks = 0;
    this.#competing.abort();
    this.#competing = new AbortController();
    this.#compete({ steal: true });
  }
}
