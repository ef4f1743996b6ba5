/** Opens the live page in a real browser against a real API and worker, and reads and operates it in a test. */
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import { type TestApi, withApi } from '../../api/support/with-app.ts';
import { type Backing, withBacking, withWorker } from '../../support/processes/with-worker.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { launchChromium, type OwnBrowser } from './chromium.ts';
import { closeAndCheck } from './unexpected-messages.ts';

const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

interface PageOptions extends BrowserContextOptions {
  readonly field?: string;
  /** Whether the page has not been opened in this browser before. */
  readonly isFirstVisit?: boolean;
  /** Where the page reaches the API, such as a network that can be cut. */
  readonly address?: string;
  /** The address fragment, such as `#token=…`. */
  readonly hash?: string;
  /** Console errors and warnings that are expected. Any other fails the test. */
  readonly expected?: RegExp;
}

export interface LivePage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** A value of the statistics panel, by its `data-figure` attribute. */
  figure(name: 'devices' | 'particles' | 'crystals' | 'cells' | 'rate' | 'lag'): Promise<string>;
  waitForFigure(name: Parameters<LivePage['figure']>[0], value: string): Promise<void>;
  waitForText(selector: string, pattern: RegExp): Promise<string>;
  waitUntilLive(): Promise<void>;
}

export interface Site {
  readonly backing: Backing;
  readonly api: TestApi;
  open(t: Test, options?: PageOptions): Promise<LivePage>;
}

/** One browser and one stack for a whole test file; each page has its own browser context. */
export async function withSite(t: Test, settings: Record<string, string> = {}): Promise<Site> {
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const backing = await withBacking(t, { OPEN_REGISTRATION: 'true', ...settings });
  const api = await withApi(t, backing, { OPEN_REGISTRATION: 'true', ...settings });
  await withWorker(t, backing);
  return { backing, api, open: (test, options) => openPage(test, browser, { address: api.address, ...options }) };
}

/** Runs before the page's own code. Below a path, the page has keys of its own. */
const dismissWelcome = `{
  const { pathname } = new URL('.', location.href);
  localStorage.setItem((pathname === '/' ? '' : pathname + ' ') + 'field.welcomed', 'yes');
}`;

async function openPage(
  t: Test,
  { browser }: OwnBrowser,
  { address = '', field = 'global', hash = '', expected, isFirstVisit = false, ...options }: PageOptions,
): Promise<LivePage> {
  const context = await browser.newContext({ viewport: desktop, ...options });
  const page = await context.newPage();
  const consoleErrors = collectConsoleErrors(page, expected);
  closeAndCheck(t, context, consoleErrors);
  if (!isFirstVisit) await context.addInitScript(dismissWelcome);
  await page.goto(`${address}/?field=${field}${hash}`);
  const live: LivePage = {
    page,
    context,
    figure: async (name) => (await page.textContent(`[data-figure=${name}]`)) ?? '',
    waitForFigure: (name, value) =>
      waitUntil(`${name} is ${value}`, async () => (await live.figure(name)) === value).then(() => undefined),
    waitForText: (selector, pattern) =>
      waitUntil(`${selector} matches ${pattern}`, async () => {
        const text = (await page.textContent(selector)) ?? '';
        return pattern.test(text) && text;
      }),
    waitUntilLive: () => live.waitForText('#status', /^live$/).then(() => undefined),
  };
  return live;
}

/** A field without updates has no clock, so a new device's request for it is answered with 404. */
const newField = /status of 404.*\/clock\?device=/;

function collectConsoleErrors(page: Page, expected: RegExp | undefined): string[] {
  const consoleErrors: string[] = [];
  page.on('pageerror', (error) => consoleErrors.push(String(error)));
  page.on('dialog', (dialog) => consoleErrors.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    const text = `${message.type()}: ${message.text()} (${message.location().url})`;
    if (!['error', 'warning'].includes(message.type()) || newField.test(text) || expected?.test(text)) return;
    consoleErrors.push(text);
  });
  return consoleErrors;
}

/** The center of the field, moved by `dx` and `dy` pixels. */
export async function pointAt({ page }: LivePage, dx = 0, dy = 0): Promise<{ x: number; y: number }> {
  const size = page.viewportSize() ?? desktop;
  return { x: size.width * 0.55 + dx, y: size.height * 0.45 + dy };
}

/** The timeline of a field with updates is loaded after the first picture, and learns of the versions a moment later. */
export async function waitForTimeline({ page }: LivePage): Promise<void> {
  await page.locator('#timeline:not([inert]) #scrubber:not([max="0"])').waitFor({ state: 'attached' });
}

/** Drags the mouse horizontally between two offsets from the center. */
export async function drag(live: LivePage, fromX: number, toX: number): Promise<void> {
  const [from, to] = [await pointAt(live, fromX), await pointAt(live, toX)];
  const { mouse } = live.page;
  await mouse.move(from.x, from.y);
  await mouse.down();
  await mouse.move(to.x, to.y, { steps: 8 });
  await mouse.up();
}
