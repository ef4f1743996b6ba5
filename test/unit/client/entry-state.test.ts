import t from 'tap';
import {
  type EntryEvent,
  type EntryState,
  isDue,
  isPending,
  isSentOnce,
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
  'lost',
];

/** For every state the next state by event; an event that is left out does not apply. */
const settled = {
  settledByResponse: 'settledByResponse',
  settledByDelta: 'settledByDelta',
  renumbered: 'queued',
  rejected: 'refused',
} as const;
const settledByResponseOnly = {
  settledByResponse: 'settledByResponse',
  renumbered: 'queued',
  rejected: 'refused',
} as const;
const expected: Readonly<Record<EntryState, Partial<Record<EntryEvent, EntryState>>>> = {
  queued: { sent: 'sent', renumbered: 'queued' },
  sent: { ...settledByResponseOnly, sent: 'resent', acknowledged: 'accepted', disputed: 'unverified' },
  resent: { ...settledByResponseOnly, acknowledged: 'acceptedAgain', disputed: 'unverified' },
  accepted: { ...settled, resultMissed: 'resending', disputed: 'resendingUnverified' },
  acceptedAgain: { ...settled, resultMissed: 'resending', disputed: 'resendingUnverified' },
  resending: { ...settled, acknowledged: 'acceptedAgain', disputed: 'resendingUnverified' },
  restored: { sent: 'restoredSent', renumbered: 'queued' },
  restoredSent: { ...settledByResponseOnly, sent: 'unverified', acknowledged: 'acceptedUnverified' },
  unverified: { ...settledByResponseOnly, acknowledged: 'acceptedUnverified' },
  acceptedUnverified: { ...settledByResponseOnly, resultMissed: 'resendingUnverified' },
  resendingUnverified: { ...settledByResponseOnly, acknowledged: 'acceptedUnverified' },
  settledByResponse: { lost: 'unverified' },
  settledByDelta: { lost: 'unverified' },
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
  const waiting = ['accepted', 'acceptedAgain', 'acceptedUnverified'];
  const final = ['settledByResponse', 'settledByDelta', 'refused'];
  t.same(withState((state) => !isDue(state)).sort(), [...waiting, ...final].sort());
  t.same(
    withState((state) => !isPending(state)),
    final,
  );
  t.same(withState(isSettled), ['settledByResponse', 'settledByDelta']);
  t.same(withState(isSentOnce), ['sent', 'accepted', 'restoredSent']);
  t.same(
    withState((state) => isDue(state) && !needsResult(state)),
    ['sent', 'resent'],
  );
  const statuses = Object.fromEntries(states.map((state) => [state, toStatus(state, undefined)]));
  const accepted = [...waiting, 'resending', 'resendingUnverified'];
  t.same(withState((state) => statuses[state] === 'accepted').sort(), accepted.sort());
  t.match(statuses, { queued: 'queued', restored: 'queued', settledByDelta: 'applied', refused: 'refused' });
  t.equal(toStatus('settledByDelta', 'conflict'), 'conflict');
  t.equal(toStatus('settledByResponse', 'superseded'), 'applied');
});
