/**
 * Requests that "Try it out" sends. They work unchanged on any installation and in any order; a test sends each of them.
 */
import type { SentUpdate } from '../../shared/field/update.ts';

interface Example {
  readonly summary: string;
  readonly value: unknown;
}

/** New Year 2026. A timestamp must not be ahead of the server's. */
const timestamp = 1_767_225_600_000;

/** @returns the body of an example. Each has a counter of its own, so that all can be sent as one device. */
const send = (summary: string, ...updates: SentUpdate[]): Example => ({ summary, value: { updates } });

/** Bodies by operation, and by a name that is unique in it. */
export const bodyExamples: Readonly<Record<string, Readonly<Record<string, Example>>>> = {
  sendUpdates: {
    cells: send('Set two cells', {
      counter: 1,
      timestamp,
      seen: 0,
      kind: 'cells.set',
      cells: [
        { x: 3, y: 4, value: 0.5 },
        { x: 4, y: 4, value: 0.75 },
      ],
    }),
    particle: send('Put a particle', {
      counter: 2,
      timestamp,
      seen: 0,
      kind: 'particle.put',
      id: 'star-1',
      position: { x: 5, y: 5, z: 0 },
      resonance: 0.8,
      content: 'a star',
    }),
    event: send('Trigger an event', {
      counter: 3,
      timestamp,
      seen: 0,
      kind: 'event',
      type: 'resonance',
      intensity: 0.2,
    }),
    batch: send(
      'Put a particle and remove it',
      { counter: 4, timestamp, seen: 0, kind: 'particle.put', id: 'star-2', position: { x: 6, y: 5, z: 0 } },
      { counter: 5, timestamp, seen: 0, kind: 'particle.remove', id: 'star-2' },
    ),
  },
  registerDevice: { empty: { summary: 'Register a device; the body is an empty object', value: {} } },
  renewToken: {
    empty: { summary: 'Renew the token in the Authorization header; the body is an empty object', value: {} },
  },
  makeViewerToken: { hour: { summary: 'A token that is valid for an hour', value: { lifetimeSeconds: 3600 } } },
};

/** Every field starts with this cursor. */
const start = '0.0000000000000000';

/** Parameters by operation, where the example of their type would not work. */
export const parameterExamples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  exportLog: { after: start },
  followByWebSocket: { after: start },
  followByEvents: { after: start, 'last-event-id': start },
  readReceipt: { counter: '1' },
};
