/** The part of a state that is inside of a region. */
import type { ParticleFragment, StateFragments } from '../../../shared/cache/state-fragments.ts';
import { containsPoint, locateCell, type Point, type Region } from '../../../shared/field/math/region.ts';

/** The particles and cells inside; what belongs to the whole field stays. */
export function clipState(fragments: StateFragments, region: Region): StateFragments {
  const points = locateParticles(fragments);
  return {
    ...fragments,
    particles: fragments.particles.filter((_, index) => containsPoint(region, points[index] ?? nowhere)),
    cells: fragments.cells.filter(({ cell }) => containsPoint(region, locateCell(cell))),
  };
}

const nowhere: Point = { x: Number.NaN, y: Number.NaN };
/** Caches the positions, because many watchers of different regions need those of one state. */
const known = new WeakMap<readonly ParticleFragment[], readonly Point[]>();

/** The position of each particle. */
export function locateParticles({ particles }: Pick<StateFragments, 'particles'>): readonly Point[] {
  const points =
    known.get(particles) ?? particles.map(({ json }) => (json === undefined ? nowhere : readPosition(json)));
  known.set(particles, points);
  return points;
}

const positionMark = '"position":';

/**
 * The position in a particle's JSON, without parsing the rest. The id comes before it, in which quotes are escaped, so that the
 * first mark is that of the attribute.
 */
function readPosition(json: string): Point {
  const start = json.indexOf(positionMark) + positionMark.length;
  return JSON.parse(json.slice(start, json.indexOf('}', start) + 1)) as Point;
}
