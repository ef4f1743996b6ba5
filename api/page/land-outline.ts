/**
 * Makes the outline of the world's land that the page draws below longitudes and latitudes: Natural Earth's 1:110m land (public
 * domain) as packaged by world-atlas (ISC). Browsers get its rings in tenths of a degree, which is less than a pixel until one
 * zooms far in, and a third of the bytes.
 */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** The part of a TopoJSON file that is read here (https://github.com/topojson/topojson-specification). */
interface Topology {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] };
  /** Each arc is a list of points: the first, and then differences, before `transform`. */
  readonly arcs: readonly (readonly (readonly [number, number])[])[];
  readonly objects: { readonly land: { readonly geometries: readonly { readonly arcs: readonly Polygon[] }[] } };
}
/** The rings of a polygon, each a list of arcs; `~index` is an arc backwards. */
type Polygon = readonly (readonly number[])[];

const unitsPerDegree = 10;
const fullTurn = 360 * unitsPerDegree;
const southPole = 90 * unitsPerDegree;

/** Makes an import of world-atlas's `land-110m.json` return the result of `encodeOutline`. */
export const landOutlinePlugin: Plugin = {
  name: 'land-outline',
  setup(build) {
    build.onLoad({ filter: /world-atlas[/\\]land-110m\.json$/ }, async ({ path }) => ({
      contents: JSON.stringify(encodeOutline(JSON.parse(await readFile(path, 'utf8')) as Topology)),
      loader: 'json',
    }));
  },
};

/** @returns the rings in tenths of a degree: `[x, y, dx, dy, dx, dy, …]`, the first point and then differences */
export function encodeOutline({ transform, arcs, objects }: Topology): number[][] {
  const points = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      const toUnits = (value: number, axis: 0 | 1) =>
        Math.round((value * transform.scale[axis] + transform.translate[axis]) * unitsPerDegree);
      return [toUnits(x, 0), toUnits(y, 1)] as const;
    });
  });
  const rings = objects.land.geometries.flatMap((geometry) => geometry.arcs.flat());
  return rings
    .map((ring) => ring.flatMap((index) => (index < 0 ? (points[~index] ?? []).toReversed() : (points[index] ?? []))))
    .map((ring) => encodeRing(closeOverPole(unwrap(ring))))
    .filter(({ length }) => length > 6);
}

type Ring = readonly (readonly [number, number])[];

/** Continues rings that cross the date line beyond it, instead of back across the whole world. */
function unwrap(ring: Ring): Ring {
  let [lastX, turns] = [ring[0]?.[0] ?? 0, 0];
  return ring.map(([x, y]) => {
    if (Math.abs(x - lastX) > fullTurn / 2) turns += x > lastX ? -1 : 1;
    lastX = x;
    return [x + turns * fullTurn, y] as const;
  });
}

/** A ring around the earth, which is Antarctica's, gets its area from the south pole. */
function closeOverPole(ring: Ring): Ring {
  const [first, last] = [ring[0], ring.at(-1)];
  if (!first || !last || Math.abs(last[0] - first[0]) < fullTurn / 2) return ring;
  return [...ring, [last[0], -southPole], [first[0], -southPole]];
}

function encodeRing(points: Ring): number[] {
  const encoded: number[] = [];
  let [lastX, lastY] = [0, 0];
  for (const [x, y] of points) {
    if (encoded.length > 0 && x === lastX && y === lastY) continue;
    encoded.push(x - lastX, y - lastY);
    [lastX, lastY] = [x, y];
  }
  return encoded;
}
