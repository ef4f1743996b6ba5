import t from 'tap';
import type { Update } from '../../shared/field/update.ts';
import { waitUntil } from '../support/wait-until.ts';
import { send } from './support/send.ts';
import { withSite } from './support/with-page.ts';

const field = 'crowd';
const count = 1000;

/** A spiral of particles, each connected to earlier ones; those with a high resonance crystallize. */
const particles = Array.from({ length: count }, (_, index): Update => {
  const [angle, radius] = [index * 0.35, 9 * Math.sqrt(index / count)];
  const earlier = [1, 2, 21].map((back) => `p${index - back}`);
  return {
    counter: index + 1,
    timestamp: 1_700_000_000_000 + index,
    seen: 0,
    kind: 'particle.put',
    id: `p${index}`,
    position: { x: 15 + radius * Math.cos(angle), y: 15 + radius * Math.sin(angle), z: 0 },
    velocity: { x: 0.02, y: 0.01, z: 0 },
    resonance: (index % 10) / 10,
    connections: index > 21 ? earlier : [],
  };
});

t.test('a thousand particles are animated, and the time to draw a frame is measured', async (t) => {
  const site = await withSite(t);
  for (const start of [0, 500]) await send(site.api, field, 'phone-1', particles.slice(start, start + 500));
  const live = await site.open(t, { field });
  await live.waitForFigure('particles', '1,000');
  await live.waitForFigure('crystals', '196');
  const canvas = live.page.locator('#field');
  await waitUntil('sixty frames are drawn', async () => Number(await canvas.getAttribute('data-draws')) >= 60, {
    timeoutMs: 60_000,
  });
  t.equal(await canvas.getAttribute('data-drawn-particles'), '1000');
  const cost = Number(await canvas.getAttribute('data-draw-ms'));
  t.ok(cost > 0, 'frames are drawn');
  t.comment(`1,000 particles: median time to draw a frame ${cost.toFixed(1)} ms (60 frames per second leave 16.7 ms)`);
});
