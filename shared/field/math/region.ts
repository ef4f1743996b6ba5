/** A part of a field: a rectangle in grid units that includes its lower edges but not its upper ones. */
export interface Region {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function containsPoint({ x0, y0, x1, y1 }: Region, { x, y }: Point): boolean {
  return x >= x0 && x < x1 && y >= y0 && y < y1;
}

/** The coordinates of a cell. @param cell `"x,y"` */
export function locateCell(cell: string): Point {
  const comma = cell.indexOf(',');
  return { x: Number(cell.slice(0, comma)), y: Number(cell.slice(comma + 1)) };
}

/** Names a region: equal regions have equal keys. */
export function regionKey({ x0, y0, x1, y1 }: Region): string {
  return `${x0},${y0},${x1},${y1}`;
}
