/** The outline of the world's land (Natural Earth, public domain). Loaded only for fields on a map of the earth. */
import outline from 'world-atlas/land-110m.json';

const unitsPerDegree = 10;
const halfTurn = 180;

/** @returns the land as a path in degrees of longitude and latitude; parts beyond 180° have to be clipped */
export function createLandPath(): Path2D {
  const path = new Path2D();
  for (const ring of outline) {
    const points = decode(ring);
    const longitudes = points.map(([x]) => x);
    // A ring that crosses the date line continues beyond it, and is drawn again for the other side of the map.
    trace(path, points, 0);
    if (Math.max(...longitudes) > halfTurn) trace(path, points, -2 * halfTurn);
    if (Math.min(...longitudes) < -halfTurn) trace(path, points, 2 * halfTurn);
  }
  return path;
}

function decode(ring: readonly number[]): (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  let [x, y] = [0, 0];
  for (let index = 0; index < ring.length; index += 2) {
    x += ring[index] ?? 0;
    y += ring[index + 1] ?? 0;
    points.push([x / unitsPerDegree, y / unitsPerDegree]);
  }
  return points;
}

function trace(path: Path2D, points: readonly (readonly [number, number])[], shift: number): void {
  for (const [index, [x, y]] of points.entries()) {
    if (index === 0) path.moveTo(x + shift, y);
    else path.lineTo(x + shift, y);
  }
  path.closePath();
}
