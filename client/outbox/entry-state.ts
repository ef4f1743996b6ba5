/**
 * The state machine of one outbox entry: its states, the events that move it and one transition function. It is pure; the
 * outbox performs the effects (assigning counters, writing to storage, notifying the app).
 *
 * A device may be known to the server under counters that this process did not assign: its storage was restored from a
 * backup, or its token was copied to another device. An entry whose counter may denote another update is
 * `unverified`: only a response, which the server compares with the update's content, can settle it. A delta cannot, because
 * it carries the counter alone. For the same reason, a delta settles nothing before the server has acknowledged the entry.
 */
import type { Outcome } from '../../shared/contract/messages.ts';
import type { EntryStatus } from '../types.ts';

/**
 * - `queued`: never sent under its counter, by any process
 * - `sent`: part of one request, which was not answered yet; sent again until one is
 * - `resent`: part of several requests, none of which was answered
 * - `accepted`: acknowledged by the server after one request, result not known yet
 * - `acceptedAgain`: the same after several requests
 * - `resending`: accepted, and sent again because the result may have been missed
 * - `restored`: read from the storage as never sent; but the storage may be a copy, so its counter may denote another update
 * - `restoredSent`: the same, as part of one request
 * - `unverified`: it may have been sent, and its counter may denote another update; due to be sent, so that a response settles it
 * - `acceptedUnverified`, `resendingUnverified`: the same after the server acknowledged it
 * - `settledByResponse`: applied or in conflict; final unless the server loses it
 * - `settledByDelta`: the same, according to a delta, which may have meant another update of the same counter
 * - `refused`: the server can never apply it; kept until the app discards it
 */
export type EntryState =
  | 'queued'
  | 'sent'
  | 'resent'
  | 'accepted'
  | 'acceptedAgain'
  | 'resending'
  | 'restored'
  | 'restoredSent'
  | 'unverified'
  | 'acceptedUnverified'
  | 'resendingUnverified'
  | 'settledByResponse'
  | 'settledByDelta'
  | 'refused';

/**
 * - `sent`: put into a request
 * - `acknowledged`: a response confirms that the server will not lose it
 * - `resultMissed`: the message with its result may have been missed
 * - `settledByResponse`, `settledByDelta`: its result arrived
 * - `disputed`: a delta reports that its counter was used twice, without saying for which update
 * - `renumbered`: it was given a new counter
 * - `rejected`: the server rejected its content
 * - `lost`: the server's log may not have it, because the database was restored or failed over, or because the update that was
 *   applied under its counter was another one
 */
export type EntryEvent =
  | 'sent'
  | 'acknowledged'
  | 'resultMissed'
  | 'settledByResponse'
  | 'settledByDelta'
  | 'disputed'
  | 'renumbered'
  | 'rejected'
  | 'lost';

type Transitions = Partial<Record<EntryState, EntryState>>;

function fromSent(next: EntryState): Transitions {
  return { sent: next, resent: next, accepted: next, acceptedAgain: next, resending: next };
}

function fromAnySent(next: EntryState): Transitions {
  return {
    ...fromSent(next),
    restoredSent: next,
    unverified: next,
    acceptedUnverified: next,
    resendingUnverified: next,
  };
}

const transitions: Readonly<Record<EntryEvent, Transitions>> = {
  sent: { queued: 'sent', sent: 'resent', restored: 'restoredSent', restoredSent: 'unverified' },
  acknowledged: {
    sent: 'accepted',
    resent: 'acceptedAgain',
    resending: 'acceptedAgain',
    restoredSent: 'acceptedUnverified',
    unverified: 'acceptedUnverified',
    resendingUnverified: 'acceptedUnverified',
  },
  resultMissed: { accepted: 'resending', acceptedAgain: 'resending', acceptedUnverified: 'resendingUnverified' },
  settledByResponse: fromAnySent('settledByResponse'),
  settledByDelta: { accepted: 'settledByDelta', acceptedAgain: 'settledByDelta', resending: 'settledByDelta' },
  disputed: { ...fromSent('resendingUnverified'), sent: 'unverified', resent: 'unverified' },
  renumbered: { ...fromAnySent('queued'), queued: 'queued', restored: 'queued' },
  rejected: fromAnySent('refused'),
  lost: { settledByResponse: 'unverified', settledByDelta: 'unverified' },
};

/** @returns undefined if the event does not apply to this state, which then stays as it is */
export function nextState(state: EntryState, event: EntryEvent): EntryState | undefined {
  return transitions[event][state];
}

const pendingStatuses: Readonly<Partial<Record<EntryState, EntryStatus>>> = {
  queued: 'queued',
  sent: 'queued',
  resent: 'queued',
  restored: 'queued',
  restoredSent: 'queued',
  unverified: 'queued',
  accepted: 'accepted',
  acceptedAgain: 'accepted',
  resending: 'accepted',
  acceptedUnverified: 'accepted',
  resendingUnverified: 'accepted',
};

/** Whether the update's outcome is still unknown. */
export function isPending(state: EntryState): boolean {
  return pendingStatuses[state] !== undefined;
}

/** Whether the entry belongs in the next request. */
export function isDue(state: EntryState): boolean {
  return isPending(state) && state !== 'accepted' && state !== 'acceptedAgain' && state !== 'acceptedUnverified';
}

export function isSettled(state: EntryState): boolean {
  return state === 'settledByResponse' || state === 'settledByDelta';
}

/** Whether the entry was sent and no request with it was answered: a delta that names its counter may mean another update. */
export function isUnanswered(state: EntryState): boolean {
  return state === 'sent' || state === 'resent';
}

/** Whether only a response with results can settle a sent entry: its delta may have been missed, or proves nothing. */
export function needsResult(state: EntryState): boolean {
  return isPending(state) && !isUnanswered(state);
}

/** Whether the server has acknowledged the update and will apply it, or has already. */
export function isAcknowledged(state: EntryState): boolean {
  return isPending(state) && toStatus(state, undefined) === 'accepted';
}

/** Whether the server may have the update, if only because a copy of this storage has sent it. */
export function isMaybeSent(state: EntryState): boolean {
  return isPending(state) && state !== 'queued';
}

/** Whether exactly one request has contained it. An earlier use of its counter was then by another update. */
export function isSentOnce(state: EntryState): boolean {
  return state === 'sent' || state === 'accepted' || state === 'restoredSent';
}

/** The status that the app sees. */
export function toStatus(state: EntryState, outcome: Outcome | undefined): EntryStatus {
  return pendingStatuses[state] ?? (state === 'refused' ? 'refused' : outcome === 'conflict' ? 'conflict' : 'applied');
}
