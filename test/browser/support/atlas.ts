/**
 * Decorates a field of earthquakes for the screenshots: the strongest particles are connected to their neighbours and so
 * crystallize, and the resonance grid is a heat map of the seismic activity.
 */

import { post } from '../../../dev/demo/fill-fields.ts';

interface Particle {
  readonly id: string;
  readonly position: { readonly x: number; readonly y: number; readonly z: number };
  readonly resonance: number;
}

interface FieldState {
  readonly version: number;
  readonly memoryParticles: readonly Particle[];
}

interface AtlasOptions {
  readonly url: string;
  readonly field: string;
  readonly gridSize?: number;
}

/** Particle updates lower the coherence of a quantum field; these events raise it again. */
const events = [
  'bloom',
  'crystallization',
  'bloom',
  'memory',
  'bloom',
  'crystallization',
  'memory',
  'bloom',
  'resonance',
].map((type) => ({ kind: 'event', type }));
const crystals = 34;
const crystalConnections = 3;
const batchSize = 200;

/** Adds connections, heat and events to the existing particles. Resolves when the field has applied them. */
export async function drawAtlas({ url, field, gridSize = 30 }: AtlasOptions): Promise<void> {
  const { token } = (await post(`${url}/api/devices`, {})) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/fields/${field}`, { headers });
  const { version, memoryParticles: particles } = (await response.json()) as FieldState;
  const changes = [...connectStrongest(particles), ...createHeatCells(particles, gridSize), ...events];
  const updates = changes.map((change, index) => ({
    counter: index + 1,
    timestamp: Date.now(),
    seen: version,
    ...change,
  }));
  for (let start = 0; start < updates.length; start += batchSize) {
    const body = { updates: updates.slice(start, start + batchSize) };
    await post(`${url}/api/fields/${field}/updates`, body, { ...headers, prefer: 'wait=20' });
  }
}

function connectStrongest(particles: readonly Particle[]) {
  const strongest = [...particles].sort((a, b) => b.resonance - a.resonance).slice(0, 110);
  return strongest.map(({ id, position, resonance }, rank) => {
    const neighbours = strongest
      .filter((other) => other.id !== id)
      .map((other) => ({ id: other.id, distance: distanceBetween(position, other.position) }))
      .sort((a, b) => a.distance - b.distance);
    const isCrystal = rank < crystals;
    return {
      kind: 'particle.put',
      id,
      resonance: isCrystal ? 0.72 + 0.2 * resonance : resonance,
      connections: neighbours.slice(0, isCrystal ? crystalConnections : 1 + (rank % 2)).map((other) => other.id),
    };
  });
}

function distanceBetween(a: Particle['position'], b: Particle['position']): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Each particle heats the cells around its position, scaled to the grid as the page fits the world to its viewport. */
function createHeatCells(particles: readonly Particle[], gridSize: number) {
  const [xs, ys] = [particles.map(({ position }) => position.x), particles.map(({ position }) => position.y)];
  const toGrid = (value: number, all: readonly number[]) => {
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const margin = (high - low) * 0.07;
    return ((value - low + margin) / (high - low + 2 * margin)) * gridSize - 0.5;
  };
  const spots = particles.map(({ position, resonance }) => ({
    x: toGrid(position.x, xs),
    y: toGrid(position.y, ys),
    weight: 0.05 + resonance ** 3,
  }));
  const cells = Array.from({ length: gridSize * gridSize }, (_, index) => {
    const [x, y] = [index % gridSize, Math.floor(index / gridSize)];
    const heat = spots.reduce((sum, spot) => {
      return sum + spot.weight * Math.exp(-((spot.x - x) ** 2 + (spot.y - y) ** 2) / 3.4);
    }, 0);
    return { x, y, value: Math.round(100 * (1 - Math.exp(-heat * 0.32))) / 100 };
  });
  return [{ kind: 'cells.set', cells: cells.filter(({ value }) => value > 0.02) }];
}

/** Two devices write the same cells concurrently. */
export async function createCellConflicts(
  { url, field }: AtlasOptions,
  tokens: readonly string[],
  cells: readonly Cell[],
) {
  for (const [index, token] of tokens.entries()) {
    const updates = cells.map(({ x, y, value }, at) => ({
      counter: at + 1,
      timestamp: Date.now(),
      kind: 'cells.set',
      cells: [{ x, y, value: index === 0 ? value : 1 - value }],
    }));
    const headers = { authorization: `Bearer ${token}`, prefer: 'wait=20' };
    await post(`${url}/api/fields/${field}/updates`, { updates }, headers);
  }
}

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}
