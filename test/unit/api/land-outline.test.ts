import t from 'tap';
import { encodeOutline } from '../../../api/page/land-outline.ts';

t.test('the rings of land become differences in tenths of a degree, without points that fall together', async (t) => {
  const topology = {
    transform: { scale: [0.01, 0.01], translate: [-180, -90] },
    arcs: [
      [
        [1000, 1000],
        [1000, 0],
        [1, 1],
        [0, 1000],
      ],
      [
        [1000, 1000],
        [1001, 1001],
      ],
    ],
    objects: { land: { geometries: [{ arcs: [[[0, ~1]]] }] } },
  } as const;
  t.same(encodeOutline(topology), [[-1700, -800, 100, 0, 0, 100, -100, -100]]);
});

t.test(
  'a ring that crosses the date line goes on, and one around the earth is closed over the south pole',
  async (t) => {
    const encode = (points: readonly (readonly [number, number])[]) => {
      let [lastX, lastY] = [0, 0];
      const arc = points.map(([x, y]) => {
        const difference = [x - lastX, y - lastY] as const;
        [lastX, lastY] = [x, y];
        return difference;
      });
      return encodeOutline({
        transform: { scale: [1, 1], translate: [0, 0] },
        arcs: [arc],
        objects: { land: { geometries: [{ arcs: [[[0]]] }] } },
      });
    };
    t.same(
      encode([
        [170, 60],
        [-170, 60],
        [-170, 70],
        [170, 70],
      ]),
      [[1700, 600, 200, 0, 0, 100, -200, 0]],
    );
    const around = [-180, -60, 60, 180].map((x) => [x, -70] as const);
    t.same(encode(around), [[-1800, -700, 1200, 0, 1200, 0, 1200, 0, 0, -200, -3600, 0]]);
  },
);
