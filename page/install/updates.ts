/**
 * Installs the service worker, which serves the page without a network, and offers a new version once it is downloaded. It takes
 * over when the user agrees; edits are stored, so the reload loses none.
 */
import { createElement } from '../dom.ts';
import { pageAddress } from '../sharing/address.ts';

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** How often a page that stays open checks for a new version, when it becomes visible. */
const checkIntervalMs = 3_600_000;

/** Browsers have service workers only in secure contexts: with https, or on this computer. */
export async function startUpdates(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const wasControlled = serviceWorker.controller !== null;
  let isReloading = false;
  serviceWorker.addEventListener('controllerchange', async () => {
    // The first worker takes over the page that has installed it, with the same version.
    if (!wasControlled) return;
    if (isReloading) location.reload();
    // The user has agreed in another tab. This tab runs the old version, whose files are kept for it.
    else if (!(await isNewest())) showNotice('The page was updated in another tab.', () => location.reload());
  });
  const registration = await serviceWorker
    .register(trustUrl('service-worker.js'), { updateViaCache: 'none' })
    .catch(() => undefined);
  // If the browser forbids it, or the server did not answer, the page works, but not without a network.
  if (!registration) return;
  const offer = () => {
    const { waiting } = registration;
    // Without a controller, this is the first version to be installed.
    if (!waiting || !serviceWorker.controller) return;
    showNotice('There is a new version of this page.', () => {
      isReloading = true;
      waiting.postMessage('take-over');
    });
  };
  offer();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offer);
  });
  let checkedAt = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || Date.now() - checkedAt < checkIntervalMs) return;
    checkedAt = Date.now();
    // Without a network this fails, and is retried an hour later.
    registration.update().catch(() => undefined);
  });
}

/** Whether the version that was stored last has the script of this page: in development the page is newer than its worker. */
async function isNewest(): Promise<boolean> {
  const script = document.querySelector<HTMLScriptElement>('script[type=module]');
  const newest = (await caches.keys()).filter((name) => name.startsWith(`field-page ${pageAddress()} `)).at(-1);
  return !!script && !!newest && (await (await caches.open(newest)).match(script.src)) !== undefined;
}

/** The content security policy allows one Trusted Types policy, which accepts only this URL. */
function trustUrl(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  return trustedTypes?.createPolicy('service-worker', { createScriptURL: () => url }).createScriptURL(url) ?? url;
}

function showNotice(text: string, reload: () => void): void {
  const button = createElement('button', { className: 'solid', text: 'Reload' });
  button.type = 'button';
  button.addEventListener('click', reload);
  const notice = createElement('div', { className: 'update-notice' }, createElement('p', { text }), button);
  notice.setAttribute('role', 'status');
  document.querySelector('.update-notice')?.remove();
  document.body.append(notice);
}
