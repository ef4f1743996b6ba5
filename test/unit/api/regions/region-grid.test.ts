import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { RegionGrid } from '../../../../api/streaming/regions/region-grid.ts';
import { regionSchema } from '../../../../shared/contract/stream.ts';
import { containsPoint } from '../../../../shared/field/math/region.ts';

const limit = Number.MAX_SAFE_INTEGER;
const coordinate = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ min: -40, max: 40, noNaN: true }),
  fc.double({ min: -limit, max: limit, noNaN: true }),
);
const anyRegion = fc
  .record({ x0: coordinate, y0: coordinate, x1: coordinate, y1: coordinate })
  .filter((region) => regionSchema.safeParse(region).success);

t.test('the grid finds the regions that contain a point, and no others', async () => {
  fc.assert(
    fc.property(fc.array(anyRegion, { maxLength: 30 }), fc.array(fc.nat()), (regions, removals) => {
      const grid = new RegionGrid<{ region: (typeof regions)[number] }>();
      const items = regions.map((region) => ({ region }));
      for (const item of items) grid.add(item);
      for (const index of removals) {
        const [removed] = items.splice(index % Math.max(1, items.length), 1);
        if (removed) grid.remove(removed);
      }
      const corners = regions.flatMap(({ x0, y0, x1, y1 }) => [
        { x: x0, y: y0 },
        { x: x1, y: y1 },
        { x: (x0 + x1) / 2, y: (y0 + y1) / 2 },
      ]);
      for (const point of [...corners, { x: 0, y: 0 }, { x: 1e300, y: -1e300 }]) {
        const found = [...grid.find(point)];
        const expected = items.filter(({ region }) => containsPoint(region, point));
        assert.deepEqual(new Set(found), new Set(expected));
        assert.equal(found.length, expected.length, 'each once');
      }
    }),
  );
});

t.test('a point does not look at regions that are far away', async (t) => {
  const grid = new RegionGrid<{ region: { x0: number; y0: number; x1: number; y1: number } }>();
  let tested = 0;
  for (let index = 0; index < 10_000; index += 1) {
    const [x, y] = [index % 100, Math.floor(index / 100)];
    const region = {
      get x0() {
        tested += 1;
        return x;
      },
      y0: y,
      x1: x + 1,
      y1: y + 1,
    };
    grid.add({ region });
  }
  tested = 0;
  t.equal([...grid.find({ x: 50.5, y: 50.5 })].length, 1);
  t.ok(tested < 10, `${tested} regions were tested`);
});

t.test('regions are half-open rectangles of a size, with exact coordinates', async (t) => {
  const valid = [
    [0, 0, 1, 1],
    [-1.5, 2, 3e9, 2.5],
    [-limit, -limit, limit, limit],
  ];
  const invalid = [
    [0, 0, 0, 1],
    [0, 0, 1, 0],
    [1, 0, 0, 1],
    [0, 0, 1, Number.POSITIVE_INFINITY],
    [0, 0, 1, Number.NaN],
    [0, 0, 1, 2 ** 53],
    [0, 0, 1, '1'],
  ];
  const isValid = ([x0, y0, x1, y1]: unknown[]) => regionSchema.safeParse({ x0, y0, x1, y1 }).success;
  t.ok(valid.every(isValid));
  t.notOk(invalid.some(isValid));
  t.notOk(regionSchema.safeParse({ x0: 0, y0: 0, x1: 1, y1: 1, z: 1 }).success);
});
