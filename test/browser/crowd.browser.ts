import t from 'tap';
import type { Update } from '../../shared/field/update.ts';
import { send } from './support/send.ts';
import { withSite } from './support/with-page.ts';

const field = 'crowd';
const count = 1000;

/** A spiral of particles, each tied to those before it; the brighter third crystallizes. */
const particles = Array.from({ length: count }, (_, index): Update => {
  const [turn, far] = [index * 0.35, 9 * Math.sqrt(index / count)];
  const near = [1, 2, 21].map((back) => `p${index - back}`);
  return {
    counter: index + 1,
    timestamp: 1_700_000_000_000 + index,
    seen: 0,
    kind: 'particle.put',
    id: `p${index}`,
    position: { x: far * Math.cos(turn), y: far * Math.sin(turn), z: 0 },
    resonance: (index % 10) / 10,
    connections: index > 21 ? near : [],
  };
});

t.test('a thousand particles move, and a frame of them is measured', { timeout: 120_000 }, async (t) => {
  const site = await withSite(t);
  for (const start of [0, 500]) await send(site.api, field, 'phone-1', particles.slice(start, start + 500));
  const live = await site.open(t, { field });
  await live.waitForFigure('particles', '1,000');
  await live.waitForFigure('crystals', '196');
  const canvas = live.page.locator('#field');
  await live.page.locator('#field[data-draws="240"]').waitFor({ timeout: 60_000 });
  const cost = Number(await canvas.getAttribute('data-draw-ms'));
  t.ok(cost > 0, 'frames are drawn');
  t.comment(
    `1,000 particles: the median of 240 frames takes ${cost.toFixed(1)} ms to draw, of the 16.7 ms that 60 a second allow`,
  );
});
