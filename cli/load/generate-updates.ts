/** The updates of a simulated device: its own moving particle, and cells shared by all devices. */
import type { DeviceId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';

/** Smaller than the grid of any realistic stack (GRID_SIZE). */
const gridSize = 10;
const particleEvery = 4;

interface GenerateUpdatesOptions {
  readonly device: DeviceId;
  /** The counter of the first. */
  readonly first: number;
  readonly length: number;
  /** The newest version that the device has seen. */
  readonly seen: number;
}

export function generateUpdates({ device, first, length, seen }: GenerateUpdatesOptions, now: number): Update[] {
  return Array.from({ length }, (_, index) => {
    const counter = first + index;
    const base = { counter, timestamp: now, seen };
    const fraction = (counter % 100) / 100;
    if (counter % particleEvery === 1) {
      return {
        ...base,
        kind: 'particle.put',
        id: device,
        position: { x: counter, y: fraction, z: 0 },
        resonance: fraction,
      };
    }
    const cell = { x: counter % gridSize, y: Math.floor(counter / gridSize) % gridSize, value: fraction };
    return { ...base, kind: 'cells.set', cells: [cell] };
  });
}
