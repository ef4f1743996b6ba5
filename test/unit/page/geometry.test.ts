import t from 'tap';
import {
  cellCenter,
  cellsBetween,
  emptyWorld,
  fitWorld,
  interpolateRect,
  toCell,
  toScreen,
  toWorld,
} from '../../../page/canvas/geometry.ts';

const viewport = { x: 100, y: 50, width: 600, height: 300 };
const world = { x: -10, y: -10, width: 20, height: 20 };
const view = { viewport, world };

t.test('world and screen coordinates convert into each other, y axis up', async (t) => {
  t.same(toScreen(view, { x: -10, y: 10 }), { x: 100, y: 50 });
  for (const point of [
    { x: 0, y: 0 },
    { x: 3.5, y: -7 },
    { x: 10, y: 10 },
  ]) {
    const back = toWorld(view, toScreen(view, point));
    t.ok(Math.hypot(back.x - point.x, back.y - point.y) < 1e-9);
  }
  t.same(toScreen(view, { x: 1e308, y: -1e308 }), { x: 700, y: 350 }, 'an outlier is shown at the edge');
});

t.test('the center of every cell lies in that cell, and points outside the viewport in none', async (t) => {
  for (const cell of [
    { x: 0, y: 0 },
    { x: 29, y: 29 },
    { x: 7, y: 21 },
  ]) {
    t.same(toCell(view, 30, cellCenter(view, 30, cell)), cell);
  }
  t.equal(toCell(view, 30, { x: 99, y: 60 }), undefined);
  t.equal(toCell(view, 30, { x: 200, y: 351 }), undefined);
});

t.test('a stroke leaves no gap between two cells', async (t) => {
  const cells = cellsBetween({ x: 2, y: 3 }, { x: 9, y: 0 });
  t.same(cells.at(0), { x: 2, y: 3 });
  t.same(cells.at(-1), { x: 9, y: 0 });
  for (const [index, cell] of cells.entries()) {
    const before = cells[index - 1] ?? cell;
    t.ok(Math.abs(cell.x - before.x) <= 1 && Math.abs(cell.y - before.y) <= 1);
  }
  t.same(cellsBetween({ x: 4, y: 4 }, { x: 4, y: 4 }).at(0), { x: 4, y: 4 });
});

t.test('the world is kept while it fits, grows when needed, and is not widened by an outlier', async (t) => {
  t.equal(fitWorld(emptyWorld, []), emptyWorld);
  t.equal(fitWorld(emptyWorld, [{ x: 5, y: -9 }]), emptyWorld);
  const wide = fitWorld(emptyWorld, [
    { x: -170, y: 60 },
    { x: 170, y: -60 },
  ]);
  t.ok(wide.x < -170 && wide.x + wide.width > 170 && wide.y < -60);
  t.equal(
    fitWorld(emptyWorld, [
      { x: 1, y: 1 },
      { x: 1e300, y: 0 },
    ]),
    emptyWorld,
  );
  t.ok(fitWorld(wide, [{ x: 100, y: 0 }]).width < wide.width, 'a world that became much too wide is fitted again');
});

t.test('interpolation reaches its target', async (t) => {
  let rect = emptyWorld;
  const goal = { x: -180, y: -80, width: 360, height: 160 };
  for (let step = 0; step < 200; step += 1) rect = interpolateRect(rect, goal, 0.1);
  t.same(rect, goal);
});
