import t from 'tap';
import { withBacking } from '../support/processes/with-worker.ts';
import { withApi } from './support/with-app.ts';

t.test('the live page and its files need no token and no other origin', async (t) => {
  const api = await withApi(t, await withBacking(t), { GRID_SIZE: '12' });
  const page = await api.request('/');
  t.equal(page.status, 200);
  t.match(page.headers.get('content-type'), 'text/html');
  t.match(page.text, 'data-grid-size="12"');
  const policy = page.headers.get('content-security-policy') ?? '';
  t.match(policy, "default-src 'none'");
  t.notMatch(policy, /unsafe|https:|data:/);
  t.notMatch(page.text, /<script(?![^>]* src=)|<style| style=| on\w+=/, 'no inline script or style');

  const files = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path);
  t.ok(files.length >= 3);
  for (const path of files) {
    const file = await api.request(path);
    t.equal(file.status, 200, path);
    t.match(file.headers.get('content-type'), /javascript|css|svg/);
    t.equal(file.headers.get('content-encoding'), 'gzip', 'compressed');
    const again = await api.request(path, { headers: { 'if-none-match': file.headers.get('etag') ?? '' } });
    t.equal(again.status, 304, `${path} is revalidated`);
    const plain = await api.request(path, { headers: { 'accept-encoding': 'identity' } });
    t.equal(plain.headers.get('content-encoding'), null);
    t.equal(plain.text, file.text);
  }
  t.equal((await api.request('/page/main.ts')).status, 404, 'no other file of the folder is served');
});
