/** A part of a field: a rectangle in grid units that contains its lower edges and not its upper ones. */
export interface Region {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}
