/** Launches the system's Chromium, found through CHROMIUM_PATH or PATH, without a window; nothing is downloaded. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { findExecutable, isExecutable } from '../../../dev/processes/find-executable.ts';
import { patient } from '../../support/wait-until.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** @throws with installation instructions if no Chromium is found */
function findChromium(): string {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    if (isExecutable(given)) return given;
    throw new Error(`CHROMIUM_PATH is ${given}, which is not an executable file`);
  }
  const found = names.map((name) => findExecutable(name)).find((path) => path !== undefined);
  if (found) return found;
  throw new Error(
    'No Chromium on the PATH. Install it (Debian: `apt-get install -y chromium`) or set CHROMIUM_PATH to its executable',
  );
}

export interface OwnBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** A browser with its own profile, which is deleted when the browser is closed. */
export async function launchChromium(): Promise<OwnBrowser> {
  const profile = await mkdtemp(join(process.env.TEST_FOLDER ?? tmpdir(), 'chromium-'));
  const browser = await chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    env: { ...process.env, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile },
  });
  browser.on('context', (context) => context.setDefaultTimeout(patient(30_000)));
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
