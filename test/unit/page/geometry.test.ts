import t from 'tap';
import {
  boundsOf,
  cellCenter,
  cellsBetween,
  fitView,
  interpolateView,
  scaleView,
  toCell,
  toScreen,
  toWorld,
} from '../../../page/viewport/geometry.ts';

const frame = { x: 100, y: 50, width: 600, height: 300 };
const view = fitView(frame, { left: 0, right: 30, bottom: 0, top: 30 });

t.test(
  'field and screen coordinates convert into each other, y axis up, with the same scale in both directions',
  async (t) => {
    t.equal(view.scale, 10);
    t.same(toScreen(view, { x: 0, y: 30 }), { x: 250, y: 50 });
    for (const point of [
      { x: 0, y: 0 },
      { x: 3.5, y: -7 },
      { x: -170, y: 80 },
    ]) {
      const back = toWorld(view, toScreen(view, point));
      t.ok(Math.hypot(back.x - point.x, back.y - point.y) < 1e-9);
    }
    t.same(boundsOf(view, frame), { left: -15, right: 45, bottom: 0, top: 30 });
  },
);

t.test('a particle is drawn in the cell that has its whole coordinates', async (t) => {
  t.same(toCell(view, 30, toScreen(view, { x: 7.2, y: 21.9 })), { x: 7, y: 21 });
  for (const cell of [
    { x: 0, y: 0 },
    { x: 29, y: 29 },
  ]) {
    t.same(toCell(view, 30, cellCenter(view, cell)), cell);
  }
  t.equal(toCell(view, 30, toScreen(view, { x: -0.1, y: 5 })), undefined);
  t.equal(toCell(view, 30, toScreen(view, { x: 5, y: 30.1 })), undefined);
});

t.test('a zoom keeps its fixed point, also on the way', async (t) => {
  const fixed = { x: 321, y: 123 };
  const at = toWorld(view, fixed);
  const target = scaleView(view, 55, fixed);
  for (const progress of [0.3, 0.5, 1]) {
    const back = toScreen(interpolateView(view, target, progress), at);
    t.ok(Math.hypot(back.x - fixed.x, back.y - fixed.y) < 1e-9);
  }
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
