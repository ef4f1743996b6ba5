/** Fails a test in whose page the browser has reported something unexpected. */
import type { BrowserContext } from 'playwright-core';
import type { Test } from 'tap';

/**
 * Closes the context at the end of the test, and fails the test if there are messages by then. The failure is reported to tap and
 * not thrown: after a teardown that throws, tap runs no further ones, and what those would have closed keeps the process alive.
 */
export function closeAndCheck(t: Test, context: BrowserContext, messages: readonly string[]): void {
  t.teardown(async () => {
    await context.close();
    if (messages.length > 0) t.threw(new Error(`unexpected messages of the browser:\n${messages.join('\n')}`));
  });
}
