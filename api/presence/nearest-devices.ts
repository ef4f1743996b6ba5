/** Selects the devices that are nearest to a region: a heap of the best so far, so that the others cost one comparison each. */
import type { Region } from '../../shared/field/math/region.ts';
import type { Point, ShownDevice } from './shown-device.ts';

/** In a field with more devices, each watcher sees those that are nearest to the centre of its region. */
export const maxShownDevices = 200;

interface Candidate {
  readonly device: ShownDevice;
  readonly distance: number;
}

/** In whole units, so that the watchers of similar regions share their messages. Without a region, the centre of the grid. */
export function findCentre(region: Region | undefined, gridSize: number): Point {
  const { x0, y0, x1, y1 } = region ?? { x0: 0, y0: 0, x1: gridSize, y1: gridSize };
  return { x: Math.round(x0 / 2 + x1 / 2), y: Math.round(y0 / 2 + y1 / 2) };
}

/**
 * Devices without a position come after all others, those without data last; equal distances are ordered by id.
 * @returns at most `count`, in no order
 */
export function selectNearest(devices: Iterable<ShownDevice>, centre: Point, count: number): ShownDevice[] {
  const heap: Candidate[] = [];
  for (const device of devices) {
    const candidate = { device, distance: measureDistance(device, centre) };
    const [farthest] = heap;
    if (heap.length < count) {
      heap.push(candidate);
      siftUp(heap);
    } else if (farthest && isNearer(candidate, farthest)) {
      heap[0] = candidate;
      siftDown(heap);
    }
  }
  return heap.map(({ device }) => device);
}

function measureDistance({ position, hasData }: ShownDevice, { x, y }: Point): number {
  if (!position) return hasData ? Number.MAX_VALUE : Number.POSITIVE_INFINITY;
  const distance = (position.x - x) ** 2 + (position.y - y) ** 2;
  return Math.min(distance, Number.MAX_VALUE);
}

function isNearer(one: Candidate, other: Candidate): boolean {
  if (one.distance !== other.distance) return one.distance < other.distance;
  return one.device.device < other.device.device;
}

/** The farthest is at the top. */
function siftUp(heap: Candidate[]): void {
  let index = heap.length - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!swapIfNearer(heap, parent, index)) return;
    index = parent;
  }
}

function siftDown(heap: Candidate[]): void {
  let index = 0;
  for (;;) {
    const [left, right] = [2 * index + 1, 2 * index + 2];
    const [leftItem, rightItem] = [heap[left], heap[right]];
    if (!leftItem) return;
    const child = rightItem && isNearer(leftItem, rightItem) ? right : left;
    if (!swapIfNearer(heap, index, child)) return;
    index = child;
  }
}

function swapIfNearer(heap: Candidate[], parent: number, child: number): boolean {
  const [one, other] = [heap[parent], heap[child]];
  if (!one || !other || !isNearer(one, other)) return false;
  heap[parent] = other;
  heap[child] = one;
  return true;
}
