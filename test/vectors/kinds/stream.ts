/** Streams: how the text of Server-Sent Events becomes messages, and how messages advance a client's copy of the state. */
import { StreamMessage } from '../../../api/streaming/stream-message.ts';
import { HybridClock } from '../../../client/hybrid-clock.ts';
import type { Outbox } from '../../../client/outbox/outbox.ts';
import { Presence } from '../../../client/presence/presence.ts';
import { Replica } from '../../../client/state/replica.ts';
import type { PresenceChange, ServerMessage } from '../../../shared/contract/messages.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import type { Metrics } from '../../../shared/field/dynamics/field-metrics.ts';
import { globalField } from '../../../shared/field/ids.ts';
import type { Changes } from '../../../shared/field/view.ts';
import { event, put, remove, setCell, setCells, vector } from '../../unit/field/support/changes.ts';
import { line } from '../fold-case.ts';
import { createServerModel } from '../server-model.ts';

interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id after it. */
  readonly id: string;
}

/** The standard's rules (https://html.spec.whatwg.org/multipage/server-sent-events.html), as far as a client meets them. */
const framing: readonly { readonly name: string; readonly text: string; readonly events: readonly StreamEvent[] }[] = [
  {
    name: 'an event ends at an empty line, and its id stays until the next one',
    text: 'id: 1.a\nevent: delta\ndata: {"n":1}\n\nevent: presence\ndata: {"n":2}\n\n',
    events: [
      { event: 'delta', data: '{"n":1}', id: '1.a' },
      { event: 'presence', data: '{"n":2}', id: '1.a' },
    ],
  },
  {
    name: 'comments, unknown fields and events without data are ignored',
    text: ': keep-alive\n\nretry: 1000\n\nfoo: bar\nevent: x\n\ndata: last\n\n',
    events: [{ event: 'message', data: 'last', id: '' }],
  },
  {
    name: 'lines end with CR LF, CR or LF; one space after the colon is not part of the value; lines of data are joined',
    text: 'data:one\r\ndata:  two\rdata\n\r\n',
    events: [{ event: 'message', data: 'one\n two\n', id: '' }],
  },
  {
    name: 'an event that is cut off is not delivered',
    text: 'data: whole\n\ndata: half\n',
    events: [{ event: 'message', data: 'whole', id: '' }],
  },
];

/** What the server writes for a message. */
function encodeEvent(message: ServerMessage, cursor: Cursor): string {
  return new StreamMessage(message.type, Buffer.from(JSON.stringify(message)), cursor).event.toString();
}

function createReplicaCases(): Record<string, readonly ServerMessage[]> {
  const server = createServerModel('one');
  const deltas = [
    server.commit(line('a', [1, 1000], put('star', { position: vector(1, 2), content: 'é' }))),
    server.commit(line('a', [2, 1001], setCells({ x: 1, y: 2, value: 0.5 })), line('b', [1, 1002], put('moon'))),
    server.commit(line('b', [2, 900], setCells({ x: 1, y: 2, value: 0.25 }), { seen: 0 })),
    server.commit(line('a', [3, 2000], remove('star'), { seen: 4 }), line('b', [3, 2001], event('bloom'))),
  ] as const;
  const start = createServerModel('one').snapshot('start');
  const late = server.snapshot('gap');
  const restored = createServerModel('two');
  restored.commit(line('a', [1, 1000], put('star')));
  const other = restored.commit(line('c', [1, 1500], setCell(1)));
  const erasure = {
    ...server.commit(line('b', [4, 3000], event('void'))),
    changes: { particles: { moon: null }, cells: { '1,2': null }, metrics: { ...lastMetrics(late) } },
  } as unknown as ServerMessage;
  const outcomesOnly = {
    ...(deltas[0] as object),
    from: (deltas[3] as { to: string }).to,
    to: (deltas[3] as { to: string }).to,
    changes: { particles: {}, cells: {}, metrics: lastMetrics(late) },
    updates: [{ device: 'a', counter: 1, outcome: 'duplicate', version: 1 }],
  } as unknown as ServerMessage;
  const { particles, cells } = (deltas[0] as unknown as { changes: Changes }).changes;
  const inRegion = { ...(deltas[0] as object), changes: { particles, cells }, updates: [] } as unknown as ServerMessage;
  const unknown = [
    { type: 'weather', temperature: 20 },
    { ...(deltas[0] as object), mood: 'good' },
  ] as unknown as ServerMessage[];
  return {
    'deltas advance the state from cursor to cursor': [start, ...deltas],
    'a delta that starts elsewhere and leads to a higher version is a gap': [start, deltas[0], deltas[2]],
    'a late delta, and one of another history with a version not above, are ignored': [
      start,
      ...deltas,
      deltas[1],
      other,
    ],
    'a snapshot replaces everything, also by a lower version': [
      start,
      ...deltas,
      restored.snapshot('unknown-cursor'),
      late,
    ],
    'a delta may erase cells': [late, erasure],
    'a watcher of a region gets metrics only now and then': [createServerModel('one').snapshot('region'), inRegion],
    'a delta from a cursor to itself carries outcomes only': [late, outcomesOnly],
    'unknown messages and keys are ignored': [start, ...unknown],
  };
}

function lastMetrics(snapshot: ServerMessage): object {
  const { globalResonance, collectiveIntelligence, room64Active, lastUpdate } = (
    snapshot as unknown as { state: Metrics }
  ).state;
  return { globalResonance, collectiveIntelligence, room64Active, lastUpdate };
}

/** @returns the effect of each message, and the state at the end */
function follow(messages: readonly ServerMessage[]): object {
  const outbox = { uncontained: [] } as unknown as Outbox;
  const replica = new Replica(globalField, outbox, new HybridClock(() => 0));
  const steps = messages.map((message) => ({ message, effect: replica.apply(message), cursor: replica.cursor }));
  return { steps, state: replica.server };
}

const someone = (device: string, at: number, data?: object) => ({ device, at, ...(data ? { data } : {}) });

/** What a watcher is sent of who is present. */
const presence = [
  { activeNodes: 2, complete: true, devices: [someone('a', 1), someone('b', 2, { name: 'Bea' })] },
  { activeNodes: 3, devices: [someone('c', 3), someone('b', 4, { position: { x: 1, y: 2 } })] },
  { activeNodes: 2, devices: [], gone: ['a', 'unknown'] },
  { activeNodes: 5, devices: [] },
  { activeNodes: 1, complete: true, devices: [someone('d', 9)] },
] as const;

/** @returns each message, and who is known to be present after it */
function followPresence(): object[] {
  const known = new Presence(() => false);
  return presence.map((change) => {
    known.apply(change as unknown as PresenceChange);
    return { message: { type: 'presence', ...change }, present: known.view };
  });
}

export function createStreamVectors(): object {
  const message = { type: 'bye', reason: 'é ✨ in "two"\nlines', retryAfter: 1 } as const;
  const cursor = createServerModel('one').cursor;
  return {
    framing: [
      ...framing,
      {
        name: 'what the server writes for a message',
        text: encodeEvent(message, cursor),
        events: [{ event: message.type, data: JSON.stringify(message), id: cursor }],
      },
    ],
    presence: followPresence(),
    replica: Object.entries(createReplicaCases()).map(([name, messages]) => ({ name, ...follow(messages) })),
  };
}
