/** Every documented route of a field, including those that are added later, requires a token with access. */
import t from 'tap';
import { withBacking } from '../support/processes/with-worker.ts';
import { setCell } from '../support/updates.ts';
import { withApi } from './support/with-app.ts';

const backing = await withBacking(t);
const api = await withApi(t, backing);
const { body: docs } = await api.request('/docs/json');

interface Route {
  readonly method: string;
  readonly path: string;
}

const routes: Route[] = Object.entries<object>(docs.paths)
  .filter(([path]) => path.includes('{field}'))
  .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })));

/** Making a token for viewers changes nothing of the field. */
const isWriting = ({ method, path }: Route) => method === 'POST' && !path.endsWith('/viewer-tokens');

async function requestStatus({ method, path }: Route, token: string | undefined): Promise<string> {
  const url = path.replace('{field}', 'garden').replace('{device}', 'phone-1').replace('{counter}', '1');
  const body = method === 'POST' ? { updates: [setCell(1, 1, 0.5)] } : undefined;
  const response = await api.request(url, { method, token, body });
  return response.status < 400 ? 'accepted' : `${response.status} ${response.body.code}`;
}

t.test('the documentation has routes to read, to write and to stream', async (t) => {
  t.ok(routes.length >= 8);
  for (const end of ['/updates', '/stream', '/events', '/clock']) t.ok(routes.some(({ path }) => path.endsWith(end)));
  t.ok(routes.some(({ method }) => method === 'POST'));
});

t.test('every route refuses a request without a token, and tokens for other fields or scopes', async (t) => {
  const other = await api.createToken({ fields: ['garden2', 'gard', 'other-*'] });
  const operator = await api.createToken({ scope: ['admin'] });
  const [reader, writer] = [
    await api.createToken({ scope: ['field:read'] }),
    await api.createToken({ scope: ['field:write'] }),
  ];
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    t.equal(await requestStatus(route, undefined), '401 unauthorized', name);
    t.equal(await requestStatus(route, other), '403 forbidden', `${name}: another field`);
    t.equal(await requestStatus(route, operator), '403 forbidden', `${name}: the scope operator`);
    t.equal(
      await requestStatus(route, isWriting(route) ? reader : writer),
      '403 forbidden',
      `${name}: the other scope`,
    );
  }
});
