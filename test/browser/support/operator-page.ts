/** Opens the pages for operators in a browser, which logs in by its own dialog's means (HTTP Basic). */
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import type { OwnBrowser } from './chromium.ts';
import { closeAndCheck } from './unexpected-messages.ts';

export const operatorPassword = 'kite-velvet-otter-91';
/** The browser logs the challenge of its login, and the fonts of Bull Board, which the API's policy does not allow. */
const expected = /status of 401|fonts\.googleapis\.com.*Content Security Policy/;

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
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) errors.push(message.text());
  });
  closeAndCheck(t, context, errors);
  await page.goto(`${address}/admin/`);
  return page;
}
