/** Interpolates the grid to a finer lattice and traces its contour lines. Pure. */

/** Lattice points for each cell, in each direction. */
const pointsPerCell = 5;
/** Empty cells around the grid, so that heat fades out beyond its edge. */
const border = 1;

export interface Heightfield {
  /** Lattice points in each direction. */
  readonly size: number;
  /** Row by row from the north, 0 to 1. */
  readonly heights: Float32Array;
  /** Cells of the grid that the lattice spans, its border included. */
  readonly span: number;
  readonly border: number;
}

/** @param values the grid's cells, row by row from the south (y = 0), the order of the API */
export function interpolateGrid(values: Float32Array, gridSize: number): Heightfield {
  const span = gridSize + 2 * border;
  const size = span * pointsPerCell;
  const weights = splineWeights();
  const blendedRows = new Float32Array(span * size);
  for (let row = 0; row < span; row += 1) {
    const y = gridSize - 1 - (row - border);
    if (y < 0 || y >= gridSize) continue;
    for (let column = 0; column < size; column += 1) {
      blendedRows[row * size + column] = interpolate(weights, column, (cell) => {
        const x = cell - border;
        return x < 0 || x >= gridSize ? 0 : (values[y * gridSize + x] ?? 0);
      });
    }
  }
  const heights = new Float32Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      heights[row * size + column] = interpolate(weights, row, (cell) =>
        cell < 0 || cell >= span ? 0 : (blendedRows[cell * size + column] ?? 0),
      );
    }
  }
  return { size, heights, span, border };
}

/** The four cubic B-spline weights for each lattice step within a cell. The curve never exceeds the values that it interpolates. */
function splineWeights(): readonly (readonly [number, number, number, number])[] {
  return Array.from({ length: pointsPerCell }, (_, step) => {
    const t = ((step + 0.5) / pointsPerCell + 0.5) % 1;
    return [
      (1 - t) ** 3 / 6,
      (3 * t ** 3 - 6 * t ** 2 + 4) / 6,
      (-3 * t ** 3 + 3 * t ** 2 + 3 * t + 1) / 6,
      t ** 3 / 6,
    ] as const;
  });
}

function interpolate(
  weights: ReturnType<typeof splineWeights>,
  position: number,
  heightOf: (cell: number) => number,
): number {
  const step = position % pointsPerCell;
  const left = Math.floor(position / pointsPerCell) - ((step + 0.5) / pointsPerCell < 0.5 ? 1 : 0);
  const [a, b, c, d] = weights[step] ?? [0, 1, 0, 0];
  return a * heightOf(left - 1) + b * heightOf(left) + c * heightOf(left + 1) + d * heightOf(left + 2);
}

/** The contour line of one level, as segments x1, y1, x2, y2 in lattice points (marching squares). */
export function traceContour({ size, heights }: Heightfield, level: number): number[] {
  const segments: number[] = [];
  for (let row = 0; row < size - 1; row += 1) {
    for (let column = 0; column < size - 1; column += 1) {
      const at = row * size + column;
      const corners = [heights[at], heights[at + 1], heights[at + size + 1], heights[at + size]] as const;
      traceSquare(corners as Corners, level, column, row, segments);
    }
  }
  return segments;
}

type Corners = readonly [number, number, number, number];

function traceSquare([a, b, c, d]: Corners, level: number, x: number, y: number, segments: number[]): void {
  const key = Number(a > level) | (Number(b > level) << 1) | (Number(c > level) << 2) | (Number(d > level) << 3);
  if (key === 0 || key === 15) return;
  const ratioBetween = (from: number, to: number) => (level - from) / (to - from);
  const crossings: number[] = [];
  if (a > level !== b > level) crossings.push(x + ratioBetween(a, b), y);
  if (b > level !== c > level) crossings.push(x + 1, y + ratioBetween(b, c));
  if (d > level !== c > level) crossings.push(x + ratioBetween(d, c), y + 1);
  if (a > level !== d > level) crossings.push(x, y + ratioBetween(a, d));
  segments.push(...crossings.slice(0, 4));
  if (crossings.length === 8) segments.push(...crossings.slice(4));
}
