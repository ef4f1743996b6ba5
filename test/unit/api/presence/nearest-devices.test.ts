import fc from 'fast-check';
import t from 'tap';
import { findCentre, selectNearest } from '../../../../api/presence/nearest-devices.ts';
import { createShownDevice } from '../../../../api/presence/shown-device.ts';
import type { PresenceData } from '../../../../shared/contract/messages.ts';
import type { DeviceId } from '../../../../shared/field/ids.ts';

const device = (id: string, data?: PresenceData) => createShownDevice({ device: id as DeviceId, data, at: 1 });
const idsOf = (devices: readonly { readonly device: string }[]) => devices.map((each) => each.device).sort();

t.test('the nearest devices are those that sorting by distance gives', async () => {
  const coordinate = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const points = fc.array(fc.record({ x: coordinate, y: coordinate }), { maxLength: 40 });
  fc.assert(
    fc.property(points, fc.nat({ max: 12 }), (positions, count) => {
      const devices = positions.map((position, index) => device(`d-${String(index).padStart(2, '0')}`, { position }));
      const distance = ({ x, y }: { x: number; y: number }) => Math.min(Number.MAX_VALUE, (x - 1) ** 2 + (y - 1) ** 2);
      const sorted = devices
        .map((each, index) => ({ each, distance: distance(positions[index] ?? { x: 0, y: 0 }) }))
        .sort((a, b) => a.distance - b.distance || (a.each.device < b.each.device ? -1 : 1));
      const expected = idsOf(sorted.slice(0, count).map(({ each }) => each));
      const selected = idsOf(selectNearest(devices, { x: 1, y: 1 }, count));
      return JSON.stringify(selected) === JSON.stringify(expected);
    }),
  );
});

t.test('devices without a position come after the others, and those without data last', async (t) => {
  const far = device('far', { position: { x: 1e308, y: -1e308 } });
  const named = device('named', { name: 'Ada' });
  const silent = device('a-silent');
  const select = (count: number) => idsOf(selectNearest([silent, named, far], { x: 0, y: 0 }, count));
  t.same(select(1), ['far']);
  t.same(select(2), ['far', 'named']);
});

t.test('the centre is that of the region, or of the grid, in whole units', async (t) => {
  t.same(findCentre(undefined, 30), { x: 15, y: 15 });
  t.same(findCentre({ x0: 1, y0: 2, x1: 4.2, y1: 6 }, 30), { x: 3, y: 4 });
  t.same(findCentre({ x0: -1e308, y0: 1e308, x1: 1e308, y1: 1.5e308 }, 30), { x: 0, y: 1.25e308 });
});
