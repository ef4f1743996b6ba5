import t from 'tap';
import { fitExtent, gridExtent } from '../../../page/viewport/extent.ts';
import { toScreen } from '../../../page/viewport/geometry.ts';
import { chooseRegion, RegionWatch } from '../../../page/viewport/region-watch.ts';
import { Viewport } from '../../../page/viewport/viewport.ts';

const frame = { x: 0, y: 0, width: 600, height: 300 };
const createViewport = () => new Viewport({ gridSize: 30, measureFrame: () => frame });

t.test('the extent has the grid and all particles, grows when needed, and is not widened by an outlier', async (t) => {
  const grid = gridExtent(30);
  t.equal(fitExtent(grid, 30, []), grid);
  t.equal(fitExtent(grid, 30, [{ x: 5, y: 29 }]), grid);
  const wide = fitExtent(grid, 30, [
    { x: -170, y: 60 },
    { x: 170, y: -60 },
  ]);
  t.ok(wide.left < -170 && wide.right > 170 && wide.bottom < -60 && wide.top > 60);
  t.equal(fitExtent(grid, 30, [{ x: 1e300, y: 0 }]), grid);
  t.ok(fitExtent(wide, 30, [{ x: 100, y: 0 }]).left > -170, 'one that became much too wide is fitted again');
  t.equal(fitExtent(wide, 30, [{ x: 100, y: 0 }], false), wide, 'but not by a part of the particles');
});

t.test('the view follows the extent until it is moved, and again after a look at everything', async (t) => {
  const viewport = createViewport();
  viewport.setPoints([{ x: -170, y: 0 }], false);
  t.ok(viewport.isEverythingVisible);
  t.equal(viewport.step(0.01, true), true);
  t.ok(toScreen(viewport.view, { x: -170, y: 0 }).x >= 0);
  viewport.zoomBy(4);
  t.ok(Math.abs(viewport.zoom - 4) < 1e-9);
  t.notOk(viewport.isEverythingVisible);
  const { bounds } = viewport;
  viewport.setPoints(
    [
      { x: -170, y: 0 },
      { x: 300, y: 0 },
    ],
    false,
  );
  t.same(viewport.bounds, bounds, 'a particle elsewhere does not move what somebody looks at');
  viewport.showEverything();
  t.ok(viewport.bounds.right > 300);
});

t.test('the view ends at the extent, and zoomed out it shows everything', async (t) => {
  const viewport = createViewport();
  viewport.zoomBy(5);
  viewport.jump();
  viewport.panBy(1e6, -1e6);
  const { left, right, bottom, top } = viewport.bounds;
  t.ok(Math.abs((left + right) / 2 - viewport.extent.left) < 1e-6);
  t.ok(Math.abs((bottom + top) / 2 - viewport.extent.bottom) < 1e-6);
  viewport.zoomBy(0.001);
  t.ok(viewport.isEverythingVisible);
  viewport.zoomBy(1e9);
  t.equal(viewport.view.scale <= 400, true);
});

t.test('a point is revealed by the shortest move, and one that is visible by none', async (t) => {
  const viewport = createViewport();
  viewport.zoomBy(4);
  const { bounds } = viewport;
  viewport.reveal({ x: 15, y: 15 });
  t.same(viewport.bounds, bounds);
  viewport.reveal({ x: 29, y: 15 });
  t.ok(viewport.bounds.right > 29 && viewport.bounds.bottom === bounds.bottom);
});

t.test('the motion ends, and at once if motion is reduced', async (t) => {
  const viewport = createViewport();
  viewport.zoomBy(3);
  let steps = 0;
  while (viewport.step(1 / 60, false)) steps += 1;
  t.ok(steps > 10 && steps < 120, `${steps} frames`);
  viewport.zoomBy(2);
  t.equal(viewport.step(1 / 60, true), true);
  t.equal(viewport.step(1 / 60, true), false);
});

t.test('the region has what is visible with a margin in whole units, and is kept while it suffices', async (t) => {
  const extent = { left: -180, right: 180, bottom: -90, top: 90 };
  const choose = (
    current: Parameters<typeof chooseRegion>[0],
    left: number,
    right: number,
    isEverythingVisible = false,
  ) => chooseRegion(current, { bounds: { left, right, bottom: 0, top: 10 }, extent, isEverythingVisible });
  const region = choose(null, 10.5, 30.5);
  t.same(region, { x0: 0, y0: -5, x1: 41, y1: 15 });
  t.equal(choose(region, 12, 32), region, 'a short move');
  t.not(choose(region, 30, 50), region, 'a long move');
  t.not(choose(region, 20, 22), region, 'a zoom');
  t.equal(choose(region, 10.5, 30.5, true), null);
  t.equal(
    chooseRegion(null, {
      bounds: { left: -100, right: 100, bottom: -60, top: 60 },
      extent,
      isEverythingVisible: false,
    }),
    null,
    'the whole field instead of a region that contains it',
  );
});

t.test(
  'tabs that share a connection and look at different parts both get the whole field, and stay with it',
  async (t) => {
    const extent = { left: -180, right: 180, bottom: -90, top: 90 };
    const sent: unknown[] = [];
    const open = (left: number) => {
      const bounds = { left, right: left + 10, bottom: 0, top: 10 };
      return new RegionWatch({ bounds, extent, isEverythingVisible: false }, (region) => sent.push(region));
    };
    const [one, other] = [open(0), open(100)];
    one.update();
    const ofOne = { x0: -5, y0: -5, x1: 15, y1: 15 };
    t.same(sent.splice(0), [ofOne]);
    one.check(undefined);
    one.check(ofOne);
    other.check(ofOne);
    t.same(sent.splice(0), [null], 'the other tab does not see its part');
    one.check(undefined);
    one.update();
    other.update();
    t.same(sent, []);
  },
);
