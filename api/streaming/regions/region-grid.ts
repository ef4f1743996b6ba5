/**
 * Finds the regions that contain a point, without testing all of them. Each region is in a grid whose squares are larger than it, so
 * that it touches at most four of them; a look-up reads one square of each grid that is in use.
 */
import { containsPoint, type Point, type Region } from '../../../shared/field/math/region.ts';

interface Item {
  readonly region: Region;
}

/** The items of a grid, by its squares. */
type Squares<Entry> = Map<string, Set<Entry>>;

export class RegionGrid<Entry extends Item> {
  /** Grids by the size of their squares, a power of two. */
  readonly #grids = new Map<number, Squares<Entry>>();

  add(item: Entry): void {
    const size = squareSizeOf(item.region);
    const squares: Squares<Entry> = this.#grids.get(size) ?? new Map();
    this.#grids.set(size, squares);
    for (const key of listSquares(item.region, size)) {
      const items = squares.get(key) ?? new Set();
      squares.set(key, items.add(item));
    }
  }

  remove(item: Entry): void {
    const size = squareSizeOf(item.region);
    const squares = this.#grids.get(size);
    if (!squares) return;
    for (const key of listSquares(item.region, size)) {
      const items = squares.get(key);
      if (items?.delete(item) && items.size === 0) squares.delete(key);
    }
    if (squares.size === 0) this.#grids.delete(size);
  }

  *find(point: Point): Generator<Entry> {
    for (const [size, squares] of this.#grids) {
      for (const item of squares.get(keyOf(point.x, point.y, size)) ?? []) {
        if (containsPoint(item.region, point)) yield item;
      }
    }
  }
}

/** Larger than the region, so that it touches two squares in each direction at most. */
function squareSizeOf({ x0, y0, x1, y1 }: Region): number {
  const extent = Math.max(x1 - x0, y1 - y0);
  let size = 1;
  while (size <= extent) size *= 2;
  return size;
}

function listSquares({ x0, y0, x1, y1 }: Region, size: number): Set<string> {
  return new Set([keyOf(x0, y0, size), keyOf(x1, y0, size), keyOf(x0, y1, size), keyOf(x1, y1, size)]);
}

function keyOf(x: number, y: number, size: number): string {
  return `${Math.floor(x / size)} ${Math.floor(y / size)}`;
}
