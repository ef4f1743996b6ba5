/**
 * The service worker: keeps the files of one version of the page and serves them without a network. It handles only the page and
 * its files; requests to the API bypass it and are never stored. A new version is installed whole or not at all, and takes over
 * when the last tab of the old one is closed, or when the user agrees.
 */

/** The files of this version below the page's folder, set by the build. */
declare const FILES: readonly string[];
/** Set by the server: the version of the markup, and whether the network is tried first, as in development. */
const version = '%VERSION%' as string;
const isNetworkFirst = ('%MODE%' as string) === 'network-first';

interface WorkerEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends WorkerEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface WorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(name: 'install' | 'activate', listener: (event: WorkerEvent) => void): void;
  addEventListener(name: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(name: 'message', listener: (event: MessageEvent) => void): void;
}

const worker = self as unknown as WorkerScope;
/** The address of the page, which ends with a slash. */
const { scope } = worker.registration;
/** Other installations on this origin have their own caches. */
const cachePrefix = `field-page ${scope} `;
const cacheName = cachePrefix + version;
const addresses = [scope, ...FILES.map((file) => scope + file)];

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(deleteOldCaches().then(() => worker.clients.claim())));
worker.addEventListener('message', ({ data }) => {
  if (data === 'take-over') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const address = origin + pathname;
  if (request.method !== 'GET') return;
  if (address === scope && request.mode === 'navigate') event.respondWith(answerPage(request));
  else if (address.startsWith(`${scope}page/`)) event.respondWith(answerFile(request));
});

/** @throws when a file is missing, or versions are mixed; the browser retries later */
async function install(): Promise<void> {
  const responses = await Promise.all(addresses.map(download));
  const markup = (await responses[0]?.clone().text()) ?? '';
  // During a rolling update, a server of another version may have answered. The names contain hashes.
  const isWhole = FILES.filter((file) => /\/(app|manifest)-/.test(file)).every((file) => markup.includes(file));
  if (!isWhole) throw new Error('The page is of another version than its files');
  const cache = await caches.open(cacheName);
  await Promise.all(responses.map((response, index) => cache.put(addresses[index] as string, response)));
  if (isNetworkFirst) await worker.skipWaiting();
}

async function download(address: string): Promise<Response> {
  // Bypasses the browser's cache, whose copy may be of the former version.
  const response = await fetch(address, { cache: 'reload' });
  // Neither a captive portal's login nor a proxy's error must be taken for the page.
  if (!response.ok || response.redirected) throw new Error(`${address} was answered with ${response.status}`);
  return response;
}

/** Keeps the former version, since its tabs may be open and load more of its files. */
async function deleteOldCaches(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(cachePrefix) && name !== cacheName);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

async function answerPage(request: Request): Promise<Response> {
  const find = () => caches.match(scope, { cacheName, ignoreVary: true });
  if (!isNetworkFirst) return (await find()) ?? fetch(request);
  return fetch(request).catch(async (error: unknown) => (await find()) ?? Promise.reject(error));
}

/** From any version's cache, since the names contain hashes of the content. */
async function answerFile(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
