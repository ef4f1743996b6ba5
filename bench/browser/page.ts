/** What a frame of the live page costs on a slow phone, and when it paints first on a slow connection. Measured in Chromium. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import type { Update } from '../../shared/field/update.ts';
import { launchChromium } from '../../test/browser/support/chromium.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { Bench, Target } from '../bench.ts';
import { waitUntilApplied } from '../load/seed.ts';
import { createToken } from '../load/writers.ts';
import { format, round } from '../measure/statistics.ts';
import type { BenchStack } from '../stack/bench-stack.ts';

const field = 'bench-page' as FieldId;
const particles = 1000;
const cursors = 50;
const cursorIntervalMs = 100;
/** A phone of the lower middle class is about four times as slow as a desktop (Lighthouse's setting). */
const slowdown = 4;
const frameBudgetMs = 1000 / 60;
/** A round trip of 400 ms and 400 kbit/s, WebPageTest's "3G slow". */
const slowNetwork = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const maxFirstPaintMs = 1000;

export const page: Bench = {
  name: 'page',
  about: `a frame of the live page with ${particles} particles and ${cursors} cursors on a slow CPU, and its first paint`,
  async run({ stack, isQuick }) {
    await seed(stack);
    const stopCursors = await moveCursors(stack);
    const { browser, close } = await launchChromium();
    try {
      const frames = await measureFrames(browser, await addressOf(stack), isQuick ? 2 : 15);
      const firstPaintMs = await measureFirstPaint(browser, await addressOf(stack));
      const rows = [
        ['drawing a frame, ms of script', format(frames.drawMs, 1)],
        ['messages, panels and all else, ms of script a second', format(frames.otherMs)],
        ['both together at 60 frames a second, ms a frame', format(frames.scriptMs, 1)],
        ['frames a second here, where no GPU puts them on the screen', format(frames.perSecond, 1)],
        ['first paint on a slow connection, ms', format(firstPaintMs)],
      ];
      const title = `The live page with ${format(particles)} particles and ${cursors} moving cursors, CPU slowed ${slowdown} times`;
      return { tables: [{ title, columns: ['', ''], rows }], targets: createTargets(frames.scriptMs, firstPaintMs) };
    } finally {
      stopCursors();
      await close();
    }
  },
};

async function addressOf({ addresses }: BenchStack): Promise<string> {
  const token = await createToken('bench-reader' as DeviceId);
  return `${addresses[0]}/?field=${field}#token=${token}`;
}

/** A spiral of moving particles, each linked to earlier ones. */
async function seed(stack: BenchStack): Promise<void> {
  const token = await createToken('bench-writer' as DeviceId);
  for (let start = 0; start < particles; start += 500) {
    const updates = Array.from({ length: 500 }, (_, index) => createParticle(start + index));
    const response = await fetch(`${stack.addresses[0]}/api/fields/${field}/updates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ updates }),
    });
    if (response.status !== 202) throw new Error(`the particles were refused: ${response.status}`);
  }
  await waitUntilApplied(stack, [field], particles);
}

function createParticle(index: number): Update {
  const [angle, radius] = [index * 0.35, 14 * Math.sqrt(index / particles)];
  return {
    counter: index + 1,
    timestamp: Date.now(),
    seen: 0,
    kind: 'particle.put',
    id: `p${index}`,
    position: { x: 15 + radius * Math.cos(angle), y: 15 + radius * Math.sin(angle), z: 0 },
    velocity: { x: 0.02, y: 0.01, z: 0 },
    resonance: (index % 10) / 10,
    connections: index > 21 ? [1, 2, 21].map((back) => `p${index - back}`) : [],
  };
}

/** Devices whose cursors circle. @returns a function that ends them */
async function moveCursors(stack: BenchStack): Promise<() => void> {
  const url = `${stack.addresses[0]?.replace('http', 'ws')}/api/fields/${field}/stream`;
  const sockets = await Promise.all(
    Array.from({ length: cursors }, async (_, index) => {
      const authorization = `Bearer ${await createToken(`bench-cursor-${index}` as DeviceId)}`;
      const socket = new WebSocket(url, ['field.v2'], { headers: { authorization } });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    }),
  );
  let step = 0;
  const timer = setInterval(() => {
    step += 1;
    for (const [index, socket] of sockets.entries()) {
      const angle = index + step / 10;
      const position = { x: 15 + 10 * Math.cos(angle), y: 15 + 10 * Math.sin(angle) };
      socket.send(JSON.stringify({ type: 'presence', data: { name: `Reader ${index}`, position } }));
    }
  }, cursorIntervalMs);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.terminate();
  };
}

/**
 * What the scripts of the page take on the main thread: for a frame, as the page measures it, and for all else by Chromium's counters.
 * Rasterising is a GPU's work on phones, so that it limits the frames only where there is none.
 */
async function measureFrames(browser: Browser, address: string, seconds: number) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const opened = await context.newPage();
  await opened.goto(address);
  await waitUntil('all particles are shown', async () => (await countDrawn(opened)).particles >= particles, {
    timeoutMs: 60_000,
  });
  const session = await context.newCDPSession(opened);
  await session.send('Performance.enable');
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  await delay(3000);
  const [before, drawnBefore] = [await readMetrics(session), await countDrawn(opened)];
  await delay(1000 * seconds);
  const [after, drawnAfter] = [await readMetrics(session), await countDrawn(opened)];
  await context.close();
  const drawn = drawnAfter.frames - drawnBefore.frames;
  const allMs = 1000 * ((after.get('ScriptDuration') ?? 0) - (before.get('ScriptDuration') ?? 0));
  const { drawMs } = drawnAfter;
  const otherMs = Math.max(0, allMs - drawn * drawMs) / seconds;
  return { drawMs, otherMs, scriptMs: drawMs + otherMs / 60, perSecond: drawn / seconds };
}

async function readMetrics(session: CDPSession): Promise<Map<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

async function countDrawn(opened: Page) {
  const canvas = opened.locator('#field');
  return {
    frames: Number(await canvas.getAttribute('data-draws')),
    drawMs: Number(await canvas.getAttribute('data-draw-ms')),
    particles: Number(await canvas.getAttribute('data-drawn-particles')),
  };
}

async function measureFirstPaint(browser: Browser, address: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const opened = await context.newPage();
  const session = await context.newCDPSession(opened);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', slowNetwork);
  await opened.goto(address, { timeout: 120_000 });
  const ms = Number(await opened.evaluate("performance.getEntriesByName('first-paint')[0]?.startTime"));
  await context.close();
  return ms;
}

function createTargets(scriptMs: number, firstPaintMs: number): Target[] {
  const target = (what: string, value: number, limit: number): Target => ({
    what,
    value: round(value, 1),
    limit: round(limit, 1),
    ratio: round(value / limit, 2),
    target: `≤ ${round(limit, 1)} ms`,
    met: value <= limit,
  });
  return [
    target(`script for a frame of the page, CPU slowed ${slowdown} times, ms`, scriptMs, frameBudgetMs),
    target('first paint of the page on a slow connection, ms', firstPaintMs, maxFirstPaintMs),
  ];
}
