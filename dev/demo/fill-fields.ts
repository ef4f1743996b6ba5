/** Fills the fields of the demo: one with a week of real earthquakes, one with invented data. Existing data is left unchanged. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { packageFile } from '../../shared/process/package-files.ts';

export const earthquakes = 'earthquakes';
export const garden = 'garden';

const batchSize = 400;
/** The number of the strongest earthquakes that are connected to their neighbours, and therefore crystallize. */
const connected = 60;
const gridSize = 30;

interface Change {
  readonly kind: string;
  readonly [attribute: string]: unknown;
}

interface Line extends Change {
  readonly device: string;
  readonly timestamp: number;
}

/** @throws when the server does not allow registration */
export async function fillFields(url: string): Promise<void> {
  const text = await readFile(packageFile('test/data/earthquakes.ndjson'), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  await fill(url, earthquakes, [...groupByDevice(lines), connectStrongest(lines)]);
  await fill(url, garden, [plantGarden()]);
}

async function fill(url: string, field: string, changesOfDevices: readonly (readonly Change[])[]): Promise<void> {
  const { token } = (await post(`${url}/api/devices`, {})) as { readonly token: string };
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/fields/${field}?view=summary`, { headers });
  if (response.ok && ((await response.json()) as { readonly version: number }).version > 0) return;
  for (const changes of changesOfDevices) {
    const device = (await post(`${url}/api/devices`, {})) as { readonly token: string };
    const authorization = `Bearer ${device.token}`;
    const updates = changes.map(({ device: _device, seen: _seen, ...change }, index) => ({
      timestamp: Date.now(),
      ...change,
      counter: index + 1,
    }));
    for (let start = 0; start < updates.length; start += batchSize) {
      const body = { updates: updates.slice(start, start + batchSize) };
      await post(`${url}/api/fields/${field}/updates`, body, { authorization, prefer: 'wait=30' });
    }
  }
}

/** Each seismic network is a device, which sends its earthquakes in chronological order. */
function groupByDevice(lines: readonly Line[]): Line[][] {
  const networks = [...new Set(lines.map(({ device }) => device))];
  return networks.map((network) => lines.filter(({ device }) => device === network));
}

interface Quake {
  readonly id: string;
  readonly position: { readonly x: number; readonly y: number };
  readonly resonance: number;
}

function connectStrongest(lines: readonly Line[]): Change[] {
  const strongest = (lines as unknown as Quake[]).toSorted((a, b) => b.resonance - a.resonance).slice(0, connected);
  return strongest.map(({ id, position, resonance }) => {
    const distanceTo = (other: Quake) => Math.hypot(other.position.x - position.x, other.position.y - position.y);
    const neighbours = strongest.filter((other) => other.id !== id).sort((a, b) => distanceTo(a) - distanceTo(b));
    const connections = neighbours.slice(0, 3).map((other) => other.id);
    return { kind: 'particle.put', id, resonance: 0.72 + 0.2 * resonance, connections };
  });
}

/** Hills of heat, and particles along a spiral. */
function plantGarden(): Change[] {
  const hills = [
    { x: 8, y: 19, height: 0.85, width: 26 },
    { x: 21, y: 10, height: 0.7, width: 34 },
    { x: 23, y: 24, height: 0.5, width: 14 },
  ];
  const cells = Array.from({ length: gridSize * gridSize }, (_, index) => {
    const [x, y] = [index % gridSize, Math.floor(index / gridSize)];
    const value = hills.reduce((sum, hill) => {
      return sum + hill.height * Math.exp(-((hill.x - x) ** 2 + (hill.y - y) ** 2) / hill.width);
    }, 0);
    return { x, y, value: Math.min(1, Math.round(value * 100) / 100) };
  });
  const flowers = Array.from({ length: 64 }, (_, index) => {
    const [angle, radius] = [index * 2.4, 1.6 * Math.sqrt(index)];
    return {
      kind: 'particle.put',
      id: `flower-${index}`,
      position: { x: 15 + radius * Math.cos(angle), y: 15 + radius * Math.sin(angle), z: 0 },
      resonance: 0.25 + 0.65 * ((index * 7) % 11) * 0.1,
      content: `Flower ${index + 1}`,
      connections:
        index % 5 === 0 && index >= 13 ? [`flower-${index - 13}`, `flower-${index - 8}`, `flower-${index - 5}`] : [],
    };
  });
  return [{ kind: 'cells.set', cells: cells.filter(({ value }) => value > 0.03) }, ...flowers];
}

/** Sends JSON, and retries while the server is overloaded. @throws Error with the server's message */
async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
  for (;;) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (response.ok) return response.json();
    if (response.status !== 503)
      throw new Error(`POST ${url} was answered with ${response.status}: ${await response.text()}`);
    await delay(Number(response.headers.get('retry-after') ?? 1) * 1000);
  }
}
