/**
 * The state machine of one outbox entry: its states, the events that move it and one transition function. It is pure; the
 * outbox performs the effects (assigning counters, writing to storage, notifying the app).
 *
 * A device may be known to the server under counters that this process did not assign: its storage was restored from a
 * backup, or its token was copied to another device. An entry whose counter may denote another update is
 * `unverified`: only a response, which the server compares with the update's content, can settle it. A delta cannot, because
 * it carries the counter alone.
 */
import type { Outcome } from '../../shared/contract/receipt.ts';
import type { EntryStatus } from '../types.ts';

/**
 * - `queued`: never sent under its counter, by any process
 * - `sent`: part of a request that was not answered yet; sent again until one is
 * - `accepted`: acknowledged by the server, result not known yet
 * - `resending`: accepted, and sent again because the result may have been missed
 * - `unverified`: its counter may denote another update; due to be sent, so that a response settles it
 * - `acceptedUnverified`, `resendingUnverified`: the same after the server acknowledged it
 * - `settledByResponse`: applied or in conflict; final
 * - `settledByDelta`: the same, according to a delta; final unless the server reports later that the counter was used twice
 * - `refused`: the server can never apply it; kept until the app discards it
 */
export type EntryState =
  | 'queued'
  | 'sent'
  | 'accepted'
  | 'resending'
  | 'unverified'
  | 'acceptedUnverified'
  | 'resendingUnverified'
  | 'settledByResponse'
  | 'settledByDelta'
  | 'refused';

/**
 * - `sent`: put into a request
 * - `acknowledged`: a response says that the server will not lose it
 * - `resultMissed`: the message with its result may have been missed
 * - `settledByResponse`, `settledByDelta`: its result arrived
 * - `disputed`: a delta reports that its counter was used twice, without saying for which update
 * - `renumbered`: it was given a new counter
 * - `rejected`: the server rejected its content
 */
export type EntryEvent =
  | 'sent'
  | 'acknowledged'
  | 'resultMissed'
  | 'settledByResponse'
  | 'settledByDelta'
  | 'disputed'
  | 'renumbered'
  | 'rejected';

type Transitions = Partial<Record<EntryState, EntryState>>;

function fromSent(next: EntryState): Transitions {
  return { sent: next, accepted: next, resending: next };
}

function fromSentOrUnverified(next: EntryState): Transitions {
  return { ...fromSent(next), unverified: next, acceptedUnverified: next, resendingUnverified: next };
}

const transitions: Readonly<Record<EntryEvent, Transitions>> = {
  sent: { queued: 'sent' },
  acknowledged: {
    sent: 'accepted',
    resending: 'accepted',
    unverified: 'acceptedUnverified',
    resendingUnverified: 'acceptedUnverified',
  },
  resultMissed: { accepted: 'resending', acceptedUnverified: 'resendingUnverified' },
  settledByResponse: fromSentOrUnverified('settledByResponse'),
  settledByDelta: fromSent('settledByDelta'),
  disputed: { ...fromSent('resendingUnverified'), sent: 'unverified', settledByDelta: 'unverified' },
  renumbered: { ...fromSentOrUnverified('queued'), queued: 'queued' },
  rejected: fromSentOrUnverified('refused'),
};

/** @returns undefined when the event does not apply to an entry in this state, which then stays as it is */
export function nextState(state: EntryState, event: EntryEvent): EntryState | undefined {
  return transitions[event][state];
}

const pendingStatuses: Readonly<Partial<Record<EntryState, EntryStatus>>> = {
  queued: 'queued',
  sent: 'queued',
  unverified: 'queued',
  accepted: 'accepted',
  resending: 'accepted',
  acceptedUnverified: 'accepted',
  resendingUnverified: 'accepted',
};

/** Whether the server has yet to say what became of the update. */
export function isPending(state: EntryState): boolean {
  return pendingStatuses[state] !== undefined;
}

/** Whether the entry belongs in the next request. */
export function isDue(state: EntryState): boolean {
  return isPending(state) && state !== 'accepted' && state !== 'acceptedUnverified';
}

export function isSettled(state: EntryState): boolean {
  return state === 'settledByResponse' || state === 'settledByDelta';
}

/** Whether only a response with results can settle a sent entry: its delta may be past, or would not count. */
export function needsResult(state: EntryState): boolean {
  return isPending(state) && state !== 'sent';
}

/** The status that the app sees. */
export function toStatus(state: EntryState, outcome: Outcome | undefined): EntryStatus {
  return pendingStatuses[state] ?? (state === 'refused' ? 'refused' : outcome === 'conflict' ? 'conflict' : 'applied');
}
