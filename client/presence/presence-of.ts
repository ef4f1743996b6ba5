/** The devices that are present in the field, and the data that this device shows. Loaded only by apps that import it. */
import type { PresenceChange, PresenceData } from '../../shared/contract/messages.ts';
import { Emitter } from '../emitter.ts';
import type { FieldClient } from '../types.ts';
import { Presence, type PresenceView } from './presence.ts';

export type { PresenceData, PresentDevice } from '../../shared/contract/messages.ts';
export type { PresenceView } from './presence.ts';

/** How often presence is polled while no stream delivers it. */
const pollIntervalMs = 2000;
/** The server's responses are at most this old. */
const maxAgeMs = 1000;

export interface FieldPresence {
  /** The devices that are present. While the transport is `polling`, they are read only if there are listeners. */
  readonly view: PresenceView;
  /** Adds a listener for changes: devices have joined, left, or changed their data. @returns a function that removes it */
  on(listener: (view: PresenceView) => void): () => void;
  /**
   * Shows data of this device to others, such as a cursor, a name or a colour. It is sent again when the client reconnects.
   * Sent at most ten times a second, and not stored. Requires the scope `field:write`.
   * @param data at most 1 KiB of JSON; a `position` is in grid units
   * @throws RangeError when it is too large, TypeError when it cannot be sent as JSON
   */
  set(data: PresenceData): void;
}

const known = new WeakMap<FieldClient, FieldPresence>();

/** The presence in the field of a client: always the same object for a client. */
export function presenceOf(client: FieldClient): FieldPresence {
  const presence = known.get(client) ?? createPresence(client);
  known.set(client, presence);
  return presence;
}

function createPresence(client: FieldClient): FieldPresence {
  const events = new Emitter<{ readonly change: PresenceView }>();
  const presence = new Presence((message) => client.sendMessage(message));
  const emit = () => events.emit('change', presence.view);
  const apply = (change: PresenceChange) => {
    presence.apply(change);
    emit();
  };
  const refresh = async () => {
    const change = await client.read<PresenceChange>('/presence').catch(() => undefined);
    if (change && isConnected(client) && describe(change) !== describe(presence.view))
      apply({ ...change, complete: true });
  };
  let isPolling = false;
  const poll = async () => {
    if (isPolling) return;
    isPolling = true;
    while (client.status === 'polling' && events.hasListeners('change')) {
      await refresh();
      await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    }
    isPolling = false;
  };

  client.on('message', (message) => {
    if (message.type === 'presence') apply(message);
    if (message.type === 'error' && message.problem.code === 'forbidden') presence.handleRefusal();
  });
  client.on('status', (status) => {
    presence.stop();
    if (status === 'live') presence.handleOpen();
    if (status === 'polling') void poll();
    if (!isConnected(client) && status !== 'connecting' && presence.clear()) emit();
  });
  if (client.status === 'live') {
    // The stream listed the present devices when it opened, and now sends only changes.
    void refresh();
    setTimeout(() => void refresh(), maxAgeMs);
  }
  return {
    get view() {
      return presence.view;
    },
    on(listener) {
      const remove = events.on('change', listener);
      void poll();
      return remove;
    },
    set: (data) => presence.set(data),
  };
}

/** The part whose changes are reported to listeners: everything except the devices' times. */
function describe({ activeNodes, devices }: PresenceView): string {
  return JSON.stringify([activeNodes, devices.map(({ device, user, data }) => [device, user, data]).sort()]);
}

function isConnected({ status }: FieldClient): boolean {
  return status === 'live' || status === 'polling';
}
