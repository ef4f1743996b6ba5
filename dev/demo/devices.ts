/**
 * The devices of the demo. Each is a separate client that shows a cursor and moves a particle. Some paint heat, some send events, and
 * now and then two of them write the same cell concurrently, so that one write loses.
 */
import { WebSocket } from 'ws';
import { createFieldClient, type FieldClient, type SocketConstructor } from '../../client/field-client.ts';
import { presenceOf } from '../../client/presence/presence-of.ts';
import { memoryStorage } from '../../client/storage/memory-storage.ts';
import { earthquakes, garden } from './fill-fields.ts';

const names = [
  'Amber',
  'Birch',
  'Cedar',
  'Dune',
  'Ember',
  'Fern',
  'Glacier',
  'Heron',
  'Iris',
  'Juniper',
  'Kestrel',
  'Lark',
];
const events = ['harmony', 'bloom', 'memory', 'resonance', 'awakening'] as const;

const tickMs = 250;
const ticksPerMove = 4;
const ticksPerStroke = 6;
const ticksPerEvent = 48;
const ticksPerDisagreement = 24;

/** Where the devices of a field move: the world of the earthquakes, or the grid. */
const areas = {
  [earthquakes]: { x: 0, y: 10, width: 165, height: 58 },
  [garden]: { x: 15, y: 15, width: 13, height: 13 },
};

interface Device {
  readonly client: FieldClient;
  readonly name: string;
  readonly number: number;
  readonly area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  ticks: number;
}

/** Starts the devices: every third one in the field of earthquakes, the others in the garden. @returns a function that stops them */
export async function startDevices(url: string, count: number): Promise<() => Promise<void>> {
  const devices = Array.from({ length: count }, (_, number) => createDevice(url, number));
  await Promise.all(devices.map(({ client }) => client.start()));
  const timers = devices.map((device, index) =>
    setInterval(() => {
      device.ticks += 1;
      act(device, devices[(index + 1) % devices.length] as Device);
    }, tickMs),
  );
  return async () => {
    for (const timer of timers) clearInterval(timer);
    await Promise.all(devices.map(({ client }) => client.close()));
  };
}

function createDevice(url: string, number: number): Device {
  const field = number % 3 === 2 ? earthquakes : garden;
  const client = createFieldClient({
    url,
    field,
    storage: memoryStorage(),
    // Node 20 has no WebSocket client.
    WebSocket: WebSocket as unknown as SocketConstructor,
  });
  const name = `${names[number % names.length]}${number < names.length ? '' : ` ${Math.floor(number / names.length) + 1}`}`;
  // Different tick counts, so that devices neither move nor paint in step.
  return { client, name, number, area: areas[field], ticks: number * 5 };
}

function act(device: Device, other: Device): void {
  const { client, ticks, name, number } = device;
  if (client.status !== 'live') return;
  const position = positionOf(device);
  presenceOf(client).set({ position: { x: position.x, y: position.y }, name });
  if (ticks % ticksPerMove === 0) {
    client.putParticle(`demo-${number}`, { position, resonance: 0.7 + 0.3 * Math.sin(ticks / 9) ** 2, content: name });
  }
  if (device.area !== areas[garden]) return;
  const cell = { x: Math.floor(position.x), y: Math.floor(position.y) };
  if (number % 2 === 0 && ticks % ticksPerStroke === 0) {
    client.setCells([{ ...cell, value: 0.35 + 0.6 * Math.sin(ticks / 23 + number) ** 2 }]);
  }
  if (number % 4 === 1 && ticks % ticksPerEvent === 0)
    client.emit(events[(ticks / ticksPerEvent) % events.length] ?? 'harmony');
  if (
    number % 4 === 0 &&
    ticks % ticksPerDisagreement === 0 &&
    other.area === device.area &&
    other.client.status === 'live'
  ) {
    client.setCells([{ ...cell, value: 0.95 }]);
    other.client.setCells([{ ...cell, value: 0.4 }]);
  }
}

/** A curve that repeats only after minutes, and differs for each device. */
function positionOf({ area, ticks, number }: Device): { readonly x: number; readonly y: number; readonly z: number } {
  const time = ticks * 0.035;
  return {
    x: area.x + area.width * 0.92 * Math.sin(time * (0.7 + 0.05 * number) + number * 1.7),
    y: area.y + area.height * 0.92 * Math.sin(time * (0.9 - 0.04 * number) + number * 0.9),
    z: 0,
  };
}
