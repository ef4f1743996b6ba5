/**
 * What a client does with its own updates: the states of one update, and conversations with a server. The conversations hold for
 * a client that always sends with `Prefer: wait`, so that only responses settle updates.
 */
import {
  type EntryEvent,
  type EntryState,
  isDue,
  isPending,
  nextState,
  toStatus,
} from '../../../client/outbox/entry-state.ts';
import { conversations } from '../outbox/conversations.ts';
import { playConversation } from '../outbox/play-conversation.ts';

const states: readonly EntryState[] = [
  'queued',
  'sent',
  'resent',
  'accepted',
  'acceptedAgain',
  'resending',
  'restored',
  'restoredSent',
  'unverified',
  'acceptedUnverified',
  'resendingUnverified',
  'settledByResponse',
  'settledByDelta',
  'refused',
];

/** A client that always waits for results needs neither `settledByDelta` nor `disputed`. */
const events: readonly EntryEvent[] = [
  'sent',
  'acknowledged',
  'resultMissed',
  'settledByResponse',
  'settledByDelta',
  'disputed',
  'renumbered',
  'rejected',
  'lost',
];

export async function createOutboxVectors(): Promise<object> {
  const played: object[] = [];
  for (const [name, steps] of Object.entries(conversations))
    played.push({ name, steps: await playConversation(steps) });
  return {
    states: states.map((state) => ({
      state,
      pending: isPending(state),
      due: isDue(state),
      status: toStatus(state, undefined),
      next: Object.fromEntries(
        events.flatMap((event) => {
          const next = nextState(state, event);
          return next ? [[event, next]] : [];
        }),
      ),
    })),
    conversations: played,
  };
}
