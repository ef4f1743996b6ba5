/** Watchers who see the same devices, so that each message is computed and encoded once for all of them. */
import type { ShownDevice } from '../presence/shown-device.ts';
import { StreamMessage } from './stream-message.ts';

export class PresenceGroup {
  #shown = new Map<string, ShownDevice>();
  #activeNodes = 0;
  #changes: StreamMessage | undefined;
  #complete: StreamMessage | undefined;

  /** What changed at the last update; undefined if nothing did. */
  get changes(): StreamMessage | undefined {
    return this.#changes;
  }

  /** Everything that the group sees, for watchers that have nothing yet. */
  get complete(): StreamMessage {
    this.#complete ??= encode(this.#activeNodes, '"complete":true,', [...this.#shown.values()]);
    return this.#complete;
  }

  update(devices: readonly ShownDevice[], activeNodes: number): void {
    const next = new Map(devices.map((device) => [device.device, device]));
    const changed = devices.filter((device) => this.#shown.get(device.device) !== device);
    const gone = [...this.#shown.keys()].filter((id) => !next.has(id));
    const isSame = changed.length === 0 && gone.length === 0 && activeNodes === this.#activeNodes;
    this.#shown = next;
    this.#activeNodes = activeNodes;
    this.#changes = isSame ? undefined : encode(activeNodes, '', changed, gone);
    if (!isSame) this.#complete = undefined;
  }
}

function encode(
  activeNodes: number,
  complete: string,
  devices: readonly ShownDevice[],
  gone: readonly string[] = [],
): StreamMessage {
  const listed = devices.map(({ json }) => json).join(',');
  const left = gone.length === 0 ? '' : `,"gone":${JSON.stringify(gone)}`;
  const text = `{"type":"presence","activeNodes":${activeNodes},${complete}"devices":[${listed}]${left}}`;
  return new StreamMessage('presence', Buffer.from(text));
}
