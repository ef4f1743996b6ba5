/** Opens the pages for operators in a browser, which logs in by its own dialog's means (HTTP Basic). */
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import type { OwnBrowser } from './chromium.ts';

export const operatorPassword = 'kite-velvet-otter-91';

/** Anything that the browser reports as an error fails the test. */
export async function openOperatorPage(
  t: Test,
  { browser }: OwnBrowser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    httpCredentials: { username: 'operator', password: operatorPassword },
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // The browser logs the challenge of its login.
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text());
  });
  t.teardown(async () => {
    await context.close();
    if (errors.length > 0) throw new Error(`unexpected errors:\n${errors.join('\n')}`);
  });
  await page.goto(`${address}/admin/`);
  return page;
}
