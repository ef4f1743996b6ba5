import t from 'tap';
import {
  type EntryEvent,
  type EntryState,
  isDue,
  isPending,
  isSettled,
  needsResult,
  nextState,
  toStatus,
} from '../../../client/outbox/entry-state.ts';

const events: readonly EntryEvent[] = [
  'sent',
  'acknowledged',
  'resultMissed',
  'settledByResponse',
  'settledByDelta',
  'disputed',
  'renumbered',
  'rejected',
];

/** For every state the next state by event; an event that is left out does not apply. */
const expected: Readonly<Record<EntryState, Partial<Record<EntryEvent, EntryState>>>> = {
  queued: { sent: 'sent', renumbered: 'queued' },
  sent: {
    acknowledged: 'accepted',
    settledByResponse: 'settledByResponse',
    settledByDelta: 'settledByDelta',
    disputed: 'unverified',
    renumbered: 'queued',
    rejected: 'refused',
  },
  accepted: {
    resultMissed: 'resending',
    settledByResponse: 'settledByResponse',
    settledByDelta: 'settledByDelta',
    disputed: 'resendingUnverified',
    renumbered: 'queued',
    rejected: 'refused',
  },
  resending: {
    acknowledged: 'accepted',
    settledByResponse: 'settledByResponse',
    settledByDelta: 'settledByDelta',
    disputed: 'resendingUnverified',
    renumbered: 'queued',
    rejected: 'refused',
  },
  unverified: {
    acknowledged: 'acceptedUnverified',
    settledByResponse: 'settledByResponse',
    renumbered: 'queued',
    rejected: 'refused',
  },
  acceptedUnverified: {
    resultMissed: 'resendingUnverified',
    settledByResponse: 'settledByResponse',
    renumbered: 'queued',
    rejected: 'refused',
  },
  resendingUnverified: {
    acknowledged: 'acceptedUnverified',
    settledByResponse: 'settledByResponse',
    renumbered: 'queued',
    rejected: 'refused',
  },
  settledByResponse: {},
  settledByDelta: { disputed: 'unverified' },
  refused: {},
};
const states = Object.keys(expected) as EntryState[];

for (const state of states) {
  t.test(`an entry that is ${state} reacts to every event as specified`, async (t) => {
    for (const event of events) t.equal(nextState(state, event), expected[state][event], event);
  });
}

t.test('a state determines what is sent, what is pending and what the app sees', async (t) => {
  const withState = (matches: (state: EntryState) => boolean) => states.filter(matches);
  t.same(withState(isDue), ['queued', 'sent', 'resending', 'unverified', 'resendingUnverified']);
  t.same(
    withState((state) => !isPending(state)),
    ['settledByResponse', 'settledByDelta', 'refused'],
  );
  t.same(withState(isSettled), ['settledByResponse', 'settledByDelta']);
  t.same(
    withState((state) => isDue(state) && needsResult(state)),
    ['queued', 'resending', 'unverified', 'resendingUnverified'],
  );
  t.same(
    states.map((state) => toStatus(state, undefined)),
    ['queued', 'queued', 'accepted', 'accepted', 'queued', 'accepted', 'accepted', 'applied', 'applied', 'refused'],
  );
  t.equal(toStatus('settledByDelta', 'conflict'), 'conflict');
  t.equal(toStatus('settledByResponse', 'superseded'), 'applied');
});
