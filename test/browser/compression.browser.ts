import t from 'tap';
import { putParticle } from '../support/updates.ts';
import { send } from './support/send.ts';
import { withSite } from './support/with-page.ts';

const content = 'a memory '.repeat(20);

function particles(first: number, count: number) {
  return Array.from({ length: count }, (_, index) => putParticle(first + index, `p${first + index}`, { content }));
}

t.test('a browser decompresses long messages, and takes them in order with short ones', async (t) => {
  const site = await withSite(t);
  await send(site.api, 'long', 'phone-1', particles(1, 40));
  const live = await site.open(t, { field: 'empty' });
  const frames: boolean[] = [];
  live.page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => frames.push(typeof payload !== 'string'));
  });
  await live.page.goto(`${site.api.address}/?field=long`);
  await live.waitForFigure('particles', '40');
  for (const [first, count] of [
    [41, 10],
    [51, 1],
    [52, 9],
  ] as const) {
    await send(site.api, 'long', 'phone-1', particles(first, count));
  }
  await live.waitForFigure('particles', '60');
  t.ok(frames.includes(true), 'some were compressed');
  t.ok(frames.includes(false), 'others were not');
  await live.waitUntilLive();
});
