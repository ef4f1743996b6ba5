/** What happens to an outbox, step by step. Updates are named after the particle that they put. */
import type { UpdateResult } from '../../../shared/contract/messages.ts';
import { cursorAt, resultOf } from '../../unit/client/support/load-outbox.ts';

export type Step =
  /** The app makes an edit. */
  | { readonly do: 'edit'; readonly name: string }
  /** The next request is sent, with all updates that are due. */
  | { readonly do: 'send' }
  /** Its answer: 202 without results. Without a step for an answer, there was none. */
  | { readonly do: 'accepted' }
  /** Its answer: 200 with results. */
  | { readonly do: 'results'; readonly results: readonly UpdateResult[] }
  /** Its answer: 400 with errors at these paths. */
  | { readonly do: 'invalid'; readonly paths: readonly string[] }
  /** The results of accepted updates may have been missed: a stream was opened, or 10 s have passed. */
  | { readonly do: 'missed' }
  /** A delta that advances the state, with its outcomes of own updates. */
  | { readonly do: 'delta'; readonly from: string; readonly to: string; readonly results: readonly UpdateResult[] }
  /** A snapshot with the reason `unknown-cursor`. */
  | { readonly do: 'unknown-cursor' }
  /** The state, which continues what the client had, is at this version. */
  | { readonly do: 'confirmed'; readonly version: number }
  /** The answer to `GET …/clock?device=`. */
  | { readonly do: 'server-counter'; readonly counter: number }
  /** The stream was open for so long. */
  | { readonly do: 'connected'; readonly minutes: number }
  /** The process ends without notice, and another one starts. */
  | { readonly do: 'restart' }
  /** The storage is copied, or replaced by such a copy, with the start of a process. */
  | { readonly do: 'backup' }
  | { readonly do: 'restore' }
  | { readonly do: 'discard'; readonly name: string };

const edit = (name: string): Step => ({ do: 'edit', name });
const send: Step = { do: 'send' };
const accepted: Step = { do: 'accepted' };
const missed: Step = { do: 'missed' };
const restart: Step = { do: 'restart' };
const unknownCursor: Step = { do: 'unknown-cursor' };
const results = (...list: readonly UpdateResult[]): Step => ({ do: 'results', results: list });
const delta = (from: number, to: number, ...list: readonly UpdateResult[]): Step => ({
  do: 'delta',
  from: cursorAt(from),
  to: cursorAt(to),
  results: list,
});

export const conversations: Readonly<Record<string, readonly Step[]>> = {
  'results settle updates, and a delta that names them shows that the state contains them': [
    edit('a'),
    edit('b'),
    send,
    results(resultOf(1, 1), { ...resultOf(2, 2, 'conflict'), resolution: 'kept_local' }),
    delta(0, 1, resultOf(1, 1)),
    delta(1, 2, resultOf(2, 2, 'conflict')),
  ],
  'without an answer the same is sent again, followed by what was added': [
    edit('a'),
    send,
    edit('b'),
    send,
    results(resultOf(1, 1, 'duplicate'), resultOf(2, 2)),
  ],
  'what was accepted is sent again when its result may have been missed': [
    edit('a'),
    send,
    accepted,
    edit('b'),
    send,
    accepted,
    send,
    missed,
    send,
    results(resultOf(1, 1, 'duplicate'), resultOf(2, 2, 'superseded')),
  ],
  'a counter that was used for another update is replaced, also those of later updates that were not sent': [
    edit('a'),
    edit('b'),
    send,
    edit('c'),
    results(resultOf(1, 1, 'reused'), resultOf(2, 2)),
    { do: 'server-counter', counter: 2 },
    send,
    results(resultOf(4, 3), resultOf(5, 4)),
  ],
  'an expired counter of the only request belongs to another update': [
    edit('a'),
    send,
    results(resultOf(1, 9, 'expired')),
    { do: 'server-counter', counter: 5 },
    send,
    results(resultOf(10_006, 10)),
  ],
  'an expired counter of a second request is settled, and kept in case a restore loses it': [
    edit('a'),
    send,
    send,
    results(resultOf(1, 9, 'expired')),
    unknownCursor,
    send,
  ],
  'after a restart, what may have been sent is sent under its counter': [
    edit('a'),
    send,
    edit('b'),
    restart,
    { do: 'server-counter', counter: 1 },
    edit('c'),
    send,
    results(resultOf(1, 1, 'duplicate'), resultOf(2, 2), resultOf(3, 3)),
    restart,
    send,
  ],
  'a storage that is older than the device continues far above the counter of the server': [
    edit('a'),
    send,
    results(resultOf(1, 1)),
    { do: 'backup' },
    edit('b'),
    send,
    results(resultOf(2, 2)),
    { do: 'restore' },
    edit('c'),
    { do: 'server-counter', counter: 2 },
    send,
    results(resultOf(10_003, 3)),
  ],
  'unsent updates of a copied storage keep their counters until the server compares them': [
    edit('a'),
    edit('b'),
    { do: 'backup' },
    edit('c'),
    send,
    results(resultOf(1, 1), resultOf(2, 2), resultOf(3, 3)),
    { do: 'restore' },
    edit('d'),
    { do: 'server-counter', counter: 3 },
    send,
    results(resultOf(1, 1, 'duplicate'), resultOf(2, 2, 'duplicate'), resultOf(10_004, 4)),
  ],
  'of a copied storage, an update whose counter was used for another one gets a new counter': [
    edit('a'),
    { do: 'backup' },
    send,
    results(resultOf(1, 1)),
    { do: 'restore' },
    { do: 'server-counter', counter: 0 },
    send,
    results(resultOf(1, 1, 'reused')),
    { do: 'server-counter', counter: 1 },
    send,
    results(resultOf(2, 2)),
  ],
  'an invalid update is set aside, and the rest of its request is sent again': [
    edit('a'),
    edit('b'),
    edit('c'),
    send,
    { do: 'invalid', paths: ['/updates/1/resonance'] },
    send,
    results(resultOf(1, 1), resultOf(3, 2)),
    restart,
    { do: 'discard', name: 'b' },
    send,
  ],
  'after an unknown cursor, what was applied is sent again, before newer updates': [
    edit('a'),
    edit('b'),
    send,
    results(resultOf(1, 1), resultOf(2, 2)),
    delta(0, 2, resultOf(1, 1), resultOf(2, 2)),
    edit('c'),
    unknownCursor,
    send,
    results(resultOf(1, 1, 'duplicate', 'b'), resultOf(2, 5, 'applied', 'b'), resultOf(3, 6, 'applied', 'b')),
  ],
  'what was applied survives a restart': [
    edit('a'),
    send,
    results(resultOf(1, 1)),
    restart,
    { do: 'server-counter', counter: 1 },
    unknownCursor,
    send,
    results(resultOf(1, 3, 'applied', 'b')),
    { do: 'confirmed', version: 3 },
  ],
  'a delta that covers the version of an update and does not name it shows that the update is lost': [
    edit('a'),
    send,
    results(resultOf(1, 2)),
    delta(0, 1),
    delta(1, 2),
    send,
    results(resultOf(1, 3)),
    delta(2, 3, resultOf(1, 3)),
  ],
  'what was applied is kept for ten minutes of connected time': [
    edit('a'),
    send,
    results(resultOf(1, 1)),
    { do: 'confirmed', version: 1 },
    { do: 'connected', minutes: 9 },
    edit('b'),
    send,
    results(resultOf(2, 2)),
    { do: 'confirmed', version: 2 },
    { do: 'connected', minutes: 2 },
    unknownCursor,
    send,
  ],
};
