/** `npm run screenshots`: the animation at the top of the README, ten seconds of the demo's garden. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startDevices } from '../../../dev/demo/devices.ts';
import { fillFields, garden } from '../../../dev/demo/fill-fields.ts';
import { withSite } from '../support/with-page.ts';
import { createAnimation, type Frame } from './animated-webp.ts';

const file = fileURLToPath(new URL('../../../docs/images/demo.webp', import.meta.url));
const size = { width: 960, height: 600 };
const lengthMs = 10_000;
const minFrameMs = 110;
const maxBytes = 1_500_000;

t.test('ten seconds of the demo', async (t) => {
  const site = await withSite(t);
  await fillFields(site.api.address);
  const stopDevices = await startDevices(site.api.address, 12);
  t.teardown(stopDevices);
  const live = await site.open(t, { field: garden, viewport: size, colorScheme: 'dark' });
  await live.waitUntilLive();
  await live.waitForText('#conflict-count', /[1-9]/);
  const session = await live.context.newCDPSession(live.page);
  const frames: Frame[] = [];
  const startedAt = performance.now();
  let takenAt = startedAt;
  while (takenAt < startedAt + lengthMs) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 38 });
    // A frame is shown until the next one was taken, so that the animation runs at the speed of the page.
    await live.page.waitForTimeout(Math.max(0, takenAt + minFrameMs - performance.now()));
    const now = performance.now();
    frames.push({ picture: Buffer.from(data, 'base64'), durationMs: now - takenAt });
    takenAt = now;
  }
  const animation = createAnimation(frames, size);
  await writeFile(file, animation);
  t.comment(`${file}: ${frames.length} frames, ${animation.length} bytes`);
  t.ok(animation.length < maxBytes, `${animation.length} bytes`);
});
