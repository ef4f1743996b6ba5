import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Fastify, { type FastifyBaseLogger } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import t, { type Test } from 'tap';
import { addBuiltPage } from '../../api/routes/page.ts';
import { writePage } from '../../dev/build/build-page.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { withBacking } from '../support/processes/with-worker.ts';
import { withFolder } from '../support/with-folder.ts';
import { withApi } from './support/with-app.ts';

type Fetch = (path: string, headers?: Record<string, string>) => Promise<Response>;

async function checkPage(t: Test, fetchFile: Fetch): Promise<readonly string[]> {
  const page = await fetchFile('/');
  t.equal(page.status, 200);
  t.match(page.headers.get('content-type'), 'text/html');
  t.equal(page.headers.get('cache-control'), 'no-cache');
  const again = await fetchFile('/', { 'if-none-match': page.headers.get('etag') ?? '' });
  t.equal(again.status, 304, 'the page is revalidated');
  const markup = await page.text();
  t.match(markup, 'data-grid-size="12"');
  const policy = page.headers.get('content-security-policy') ?? '';
  t.match(policy, "default-src 'none'");
  t.notMatch(policy, /unsafe|https:|data:/);
  t.notMatch(
    markup,
    /<script(?![^>]* src=)| style=| on\w+=|<link rel="stylesheet"/,
    'no inline script or attribute of style',
  );
  const [, style = '', ...otherStyles] = markup.split(/<\/?style>/);
  t.ok(style.length > 1000);
  t.equal(otherStyles.length, 1);
  t.match(policy, `style-src 'self' 'sha256-${createHash('sha256').update(style).digest('base64')}'`);

  t.notMatch(markup, /(?:src|href)="(?:\/|\w+:)/, 'all addresses are relative');

  const worker = await fetchFile('/service-worker.js');
  t.match(worker.headers.get('content-type'), 'javascript');
  t.equal(worker.headers.get('cache-control'), 'no-cache');
  const script = await worker.text();
  t.notMatch(script, /%\w+%/);
  t.match(script, (page.headers.get('etag') ?? '').slice(1, -1), 'the worker knows the version of the page');
  const linked = [...markup.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  t.ok(linked.length >= 4);
  const manifestPath = linked.find((path) => path.endsWith('.webmanifest')) ?? '';
  const manifest = (await (await fetchFile(`/${manifestPath}`)).json()) as {
    readonly icons: { readonly src: string }[];
  };
  t.match(manifest, { start_url: '../', scope: '../', display: 'standalone' });
  const icons = manifest.icons.map(({ src }) => `page/${src}`);
  const kept = [...script.matchAll(/"(page\/[^"]+)"/g)].map(([, path = '']) => path);
  for (const path of linked) t.ok(kept.includes(path) || path.endsWith('.png'), `${path} is there without a network`);

  const files = [...new Set([...linked, ...icons, ...kept])].map((path) => `/${path}`);
  for (const path of files) {
    const file = await fetchFile(path, { 'accept-encoding': 'gzip' });
    t.equal(file.status, 200, path);
    t.match(file.headers.get('content-type'), /javascript|svg|png|manifest/);
    t.match(file.headers.get('content-security-policy'), "default-src 'none'");
    t.equal(file.headers.get('content-encoding'), 'gzip', 'compressed');
    t.match(file.headers.get('vary'), /accept-encoding/i);
    const cached = await fetchFile(path, {
      'accept-encoding': 'gzip',
      'if-none-match': file.headers.get('etag') ?? '',
      // Otherwise fetch() adds `no-cache`, which asks for the whole file.
      'cache-control': 'max-age=0',
    });
    t.equal(cached.status, 304, `${path} is revalidated`);
    const plain = await fetchFile(path, { 'accept-encoding': 'identity' });
    t.equal(plain.headers.get('content-encoding'), null);
    t.equal(await plain.text(), await file.text());
  }
  for (const path of ['/page/main.ts', '/page/index.html', '/page/', '/page/../package.json', '/page/%2e%2e/x']) {
    t.equal((await fetchFile(path)).status, 404, `${path} is not served`);
  }
  return files;
}

t.test('the live page and its files need no token and no other origin', async (t) => {
  const { address } = await withApi(t, await withBacking(t), { GRID_SIZE: '12' });
  await checkPage(t, (path, headers = {}) => fetch(`${address}${path}`, { headers }));
});

t.test('browsers may keep the files of the built page for a year', async (t) => {
  const folder = await withFolder(t);
  await writePage(folder);
  const log: FastifyBaseLogger = createLogger({ name: 'test', level: 'silent' });
  const app = Fastify({ loggerInstance: log }).withTypeProvider<ZodTypeProvider>();
  await addBuiltPage(app, { GRID_SIZE: 12, NODE_ENV: 'production' }, pathToFileURL(`${folder}/`));
  t.teardown(() => app.close());
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const fetchFile: Fetch = (path, headers = {}) => fetch(`${address}${path}`, { headers });

  for (const path of await checkPage(t, fetchFile)) {
    t.match(
      path,
      /^\/page\/[a-z0-9-]+-[A-Z0-9]{8}\.(js|svg|png|webmanifest)$/,
      'its name contains a hash of its content',
    );
    const file = await fetchFile(path);
    // A body that is not read keeps its connection busy, and the server from closing.
    await file.arrayBuffer();
    t.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  }
});

t.test('the scripts that the first picture needs have at most 61 kB', async (t) => {
  const folder = await withFolder(t);
  await writePage(folder);
  const assets = join(folder, 'assets');
  const names = (await readdir(assets)).filter((name) => name.endsWith('.js'));
  const needed = new Set(names.filter((name) => name.startsWith('app-')));
  t.equal(needed.size, 1);
  for (const name of needed) {
    const code = await readFile(join(assets, name), 'utf8');
    for (const other of names) if (code.includes(`from"./${other}"`)) needed.add(other);
  }
  const sizes = await Promise.all([...needed].map(async (name) => (await stat(join(assets, `${name}.gz`))).size));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  t.ok(size > 40_000 && size <= 61_000, `${size} bytes in ${needed.size} files, compressed`);
});
