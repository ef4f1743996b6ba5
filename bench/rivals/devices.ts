/** What the devices of a measurement write: each its own entries, so that none has to wait for what others write. */
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../test/support/wait-until.ts';
import { type EntryUpdate, entryCount, type System } from './systems/system.ts';

/**
 * Of a device that does not watch, as in the benchmark `latency`. Each has one request at a time, and their number costs the others
 * nothing.
 */
export const unwatchedPerSecond = 4;

let lastNumber = 0;

/** @returns a function that makes the next update of a device */
function createUpdateSource(devices: number): (device: number) => EntryUpdate {
  const entriesEach = Math.floor(entryCount / devices);
  const counts = new Array<number>(devices).fill(0);
  return (device) => {
    const count = counts[device] ?? 0;
    counts[device] = count + 1;
    lastNumber += 1;
    return { number: lastNumber, entry: device + devices * (count % entriesEach) };
  };
}

export interface PacedTimes {
  /** In ms from when the update was due. */
  readonly acknowledged: readonly number[];
  readonly seen: readonly number[];
}

export interface Pace {
  /** Devices that send, and watch what the others write. */
  readonly devices: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Preceding seconds, which are not measured. */
  readonly arrivalSeconds: number;
}

/**
 * Sends at a constant rate, whatever the answers, and waits until a watcher has seen all updates.
 * @param onConnected called when all devices are connected
 */
export async function sendAtPace(system: System, pace: Pace, onConnected: () => void): Promise<PacedTimes> {
  const { perSecond, seconds, arrivalSeconds } = pace;
  const devices = system.isWatchedBySenders ? pace.devices : perSecond / unwatchedPerSecond;
  const next = createUpdateSource(devices);
  const acknowledged: number[] = [];
  const seen: number[] = [];
  /** The updates of each device that the watcher has not seen. A device's updates are seen in their order. */
  const unseen = Array.from({ length: devices }, () => [] as { readonly number: number; readonly dueAt: number }[]);
  const deviceOf = new Map<number, number>();
  let measureFrom = Number.POSITIVE_INFINITY;
  const session = await system.connect(devices, (number) => {
    const now = performance.now();
    const waiting = unseen[deviceOf.get(number) ?? -1] ?? [];
    // A watcher may be sent only the newest of several values of an entry.
    for (let first = waiting[0]; first && first.number <= number; first = waiting[0]) {
      waiting.shift();
      if (first.dueAt >= measureFrom) seen.push(now - first.dueAt);
    }
  });
  try {
    onConnected();
    const total = Math.round(perSecond * (arrivalSeconds + seconds));
    const sending: Promise<void>[] = [];
    const startedAt = performance.now();
    measureFrom = startedAt + 1000 * arrivalSeconds;
    for (let sent = 0; sent < total; await delay(1)) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1);
      for (; sent < due; sent++) {
        const device = sent % devices;
        const dueAt = startedAt + (1000 * sent) / perSecond;
        const update = next(device);
        deviceOf.set(update.number, device);
        unseen[device]?.push({ number: update.number, dueAt });
        const record = () => {
          if (dueAt >= measureFrom) acknowledged.push(performance.now() - dueAt);
        };
        const acknowledging = session.send(device, update).then(record);
        acknowledging.catch(() => undefined); // It is reported when all have been sent.
        sending.push(acknowledging);
      }
    }
    await Promise.all(sending);
    const isAllSeen = () => unseen.every((waiting) => waiting.length === 0);
    await waitUntil('the watcher has seen all updates', isAllSeen, { timeoutMs: 60_000 });
    return { acknowledged, seen };
  } finally {
    session.close();
  }
}

export interface ClosedLoop {
  readonly devices: number;
  readonly updates: number;
}

export interface ClosedLoopResult {
  /** Until the last acknowledgement. */
  readonly ms: number;
  readonly sent: readonly EntryUpdate[];
}

export interface ClosedLoopEvents {
  /** All devices are connected. */
  readonly onConnected?: () => void;
  /** All updates are acknowledged. The devices stay connected until it resolves. */
  readonly onAcknowledged?: () => void | Promise<void>;
}

/** Each device sends its next update when the one before is acknowledged. */
export async function sendInTurn(
  system: System,
  { devices, updates }: ClosedLoop,
  { onConnected, onAcknowledged }: ClosedLoopEvents,
): Promise<ClosedLoopResult> {
  const next = createUpdateSource(devices);
  const session = await system.connect(devices, () => undefined);
  const sent: EntryUpdate[] = [];
  try {
    onConnected?.();
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: devices }, async (_, device) => {
        // The same number from each, since a fast device would otherwise come to its first entries again.
        for (let count = 0; count < updates / devices; count++) {
          const update = next(device);
          sent.push(update);
          await session.send(device, update);
        }
      }),
    );
    const ms = performance.now() - startedAt;
    await onAcknowledged?.();
    return { ms, sent };
  } finally {
    session.close();
  }
}
