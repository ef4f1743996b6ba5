/**
 * An open loop: requests come due at a steady rate, whatever becomes of those before. Each device has one connection and
 * sends one after the other; what waits for its turn is counted from when it was due.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpLane, type LaneAnswer } from './http-connection.ts';

interface Load {
  readonly perSecond: number;
  readonly seconds: number;
  /** The request that a device sends next; `dueAt` as of `performance.now()`. */
  readonly next: (device: number, dueAt: number) => Buffer;
  readonly onAnswer: (answer: LaneAnswer, dueAt: number, device: number) => void;
}

interface OpenLoop extends Load {
  readonly url: string;
  readonly devices: number;
}

export async function runOpenLoop({ url, devices, ...load }: OpenLoop): Promise<void> {
  const lanes = await openLanes(url, devices);
  await sendOver(lanes, load);
  for (const lane of lanes) lane.close();
}

export function openLanes(url: string, count: number): Promise<HttpLane[]> {
  return Promise.all(Array.from({ length: count }, () => HttpLane.open(url)));
}

/** A device for each connection; they stay open. */
export async function sendOver(
  lanes: readonly HttpLane[],
  { perSecond, seconds, next, onAnswer }: Load,
): Promise<void> {
  const turns = lanes.map(() => Promise.resolve());
  const total = Math.round(perSecond * seconds);
  const startedAt = performance.now();
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond) + 1);
    for (; sent < due; sent++) {
      const device = sent % lanes.length;
      const lane = lanes[device];
      const dueAt = startedAt + (1000 * sent) / perSecond;
      turns[device] = (turns[device] ?? Promise.resolve()).then(async () => {
        if (lane) onAnswer(await lane.send(next(device, dueAt)), dueAt, device);
      });
    }
    await delay(1);
  }
  await Promise.all(turns);
}
