/** Every route of a field that the docs list, also one that is added tomorrow: nobody comes in without leave. */
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

async function requestStatus({ method, path }: Route, token: string | undefined): Promise<string> {
  const url = path.replace('{field}', 'garden').replace('{device}', 'phone-1').replace('{counter}', '1');
  const body = method === 'POST' ? { updates: [setCell(1, 1, 0.5)] } : undefined;
  const answer = await api.request(url, { method, token, body });
  return answer.status < 400 ? 'let in' : `${answer.status} ${answer.body.code}`;
}

t.test('there are routes to read, to write and to follow', async (t) => {
  t.ok(routes.length >= 8);
  for (const end of ['/updates', '/stream', '/events', '/clock']) t.ok(routes.some(({ path }) => path.endsWith(end)));
  t.ok(routes.some(({ method }) => method === 'POST'));
});

t.test(
  'without a token, with one for another field, and with one for something else, each of them refuses',
  async (t) => {
    const other = await api.createToken({ fields: ['garden2', 'gard', 'other-*'] });
    const operator = await api.createToken({ scope: ['operator'] });
    const [reader, writer] = [
      await api.createToken({ scope: ['field:read'] }),
      await api.createToken({ scope: ['field:write'] }),
    ];
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      t.equal(await requestStatus(route, undefined), '401 unauthorized', name);
      t.equal(await requestStatus(route, other), '403 forbidden', `${name}: of another field`);
      t.equal(await requestStatus(route, operator), '403 forbidden', `${name}: an operator is no reader`);
      t.equal(
        await requestStatus(route, route.method === 'POST' ? reader : writer),
        '403 forbidden',
        `${name}: the other scope`,
      );
    }
  },
);
