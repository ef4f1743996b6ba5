import t from 'tap';
import { interpolateGrid, traceContour } from '../../../page/canvas/heightfield.ts';

function grid(size: number, cells: Record<string, number>): Float32Array {
  const values = new Float32Array(size * size);
  for (const [cell, value] of Object.entries(cells)) {
    const [x = 0, y = 0] = cell.split(',').map(Number);
    values[y * size + x] = value;
  }
  return values;
}

t.test('heat peaks over its own cell, y axis up, and fades to zero at the border', async (t) => {
  const { size, heights } = interpolateGrid(grid(6, { '1,4': 1 }), 6);
  const top = heights.indexOf(Math.max(...heights));
  const step = size / 8;
  t.equal(Math.floor((top % size) / step) - 1, 1, 'its column');
  t.equal(5 - (Math.floor(top / size / step) - 1), 4, 'its row, counted from the south');
  t.ok(heights.every((height) => height >= 0 && height <= 1));
  t.equal(heights[0], 0);
  t.equal(heights.at(-1), 0);
});

t.test('a uniform grid keeps its value', async (t) => {
  const full = Object.fromEntries(
    Array.from({ length: 36 }, (_, index) => [`${index % 6},${Math.floor(index / 6)}`, 0.5]),
  );
  const { size, heights } = interpolateGrid(grid(6, full), 6);
  t.ok(Math.abs((heights[Math.floor(size / 2) * size + Math.floor(size / 2)] ?? 0) - 0.5) < 1e-6);
});

t.test('contour lines are closed: every segment end is shared with another segment', async (t) => {
  const heightfield = interpolateGrid(grid(6, { '1,4': 1, '2,3': 0.7, '4,1': 0.9 }), 6);
  const line = traceContour(heightfield, 0.2);
  t.ok(line.length > 0 && line.length % 4 === 0);
  const ends = new Map<string, number>();
  for (let index = 0; index < line.length; index += 2) {
    const end = `${line[index]?.toFixed(4)},${line[index + 1]?.toFixed(4)}`;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  t.ok([...ends.values()].every((count) => count % 2 === 0));
  t.same(traceContour(heightfield, 0.99), []);
});
