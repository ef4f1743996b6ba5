import t from 'tap';
import { createOriginCheck, listOrigins } from '../../../api/http/cors-origins.ts';
import { formatEtag, matchesEtag } from '../../../api/http/etag.ts';
import { parseWait, prefersLowPriority } from '../../../api/http/prefer-header.ts';
import { asCursor } from '../../support/updates.ts';

t.test('Prefer: wait is parsed as RFC 7240 specifies, and limited to 30 s', async (t) => {
  const cases: [string | string[] | undefined, number | undefined][] = [
    [undefined, undefined],
    ['wait=10', 10],
    ['respond-async, wait=10', 10],
    ['wait="5"; why=not', 5],
    ['Wait = 7', 7],
    [['respond-async', 'wait=3'], 3],
    ['wait=1000', 30],
    ['wait=0', 0],
    ['wait', undefined],
    ['wait=-1', undefined],
    ['wait=soon', undefined],
    ['waiting=5', undefined],
  ];
  for (const [header, seconds] of cases) t.equal(parseWait(header), seconds, String(header));
});

t.test('Prefer: priority can only be low', async (t) => {
  for (const header of ['priority=low', 'wait=5, Priority = "low"; a=b', ['wait=1', 'priority=low']])
    t.ok(prefersLowPriority(header), String(header));
  for (const header of [undefined, '', 'priority', 'priority=high', 'priority=lowest', 'xpriority=low', 'wait=5'])
    t.notOk(prefersLowPriority(header), String(header));
});

t.test('an ETag matches by weak comparison, in lists, and by *', async (t) => {
  const etag = formatEtag(asCursor(12));
  t.equal(etag, '"12.0000000000000000"');
  for (const header of [etag, `W/${etag}`, `"1.0" , ${etag}`, '*']) t.ok(matchesEtag(header, etag), header);
  for (const header of [undefined, '"12"', asCursor(12), formatEtag(asCursor(123)), ''])
    t.notOk(matchesEtag(header, etag), String(header));
});

t.test('a list of origins is split at commas, and spaces and trailing slashes are removed', async (t) => {
  const production = { NODE_ENV: 'production', HOST: '0.0.0.0' } as const;
  t.same(listOrigins({ ...production, CORS_ORIGINS: '' }), []);
  const CORS_ORIGINS = ' https://a.example/,https://b.example:8443 ,';
  t.same(listOrigins({ ...production, CORS_ORIGINS }), ['https://a.example', 'https://b.example:8443']);
});

t.test('in development pages of this machine are allowed, and those of the network if it is served', async (t) => {
  const isAllowed = async (origin: string, HOST: string, NODE_ENV: 'development' | 'production' = 'development') => {
    const check = createOriginCheck(listOrigins({ CORS_ORIGINS: '', HOST, NODE_ENV }));
    return check({ headers: { origin, host: 'api.example' } } as never).then(
      () => true,
      () => false,
    );
  };
  for (const origin of ['http://localhost:5173', 'https://127.0.0.1', 'http://[::1]:8081']) {
    t.ok(await isAllowed(origin, '127.0.0.1'), origin);
    t.notOk(await isAllowed(origin, '127.0.0.1', 'production'), `${origin} in production`);
  }
  t.ok(await isAllowed('http://192.168.1.7:8081', '0.0.0.0'));
  t.notOk(await isAllowed('http://192.168.1.7:8081', '127.0.0.1'));
  const foreign = ['http://localhost.evil.example', 'http://evil.example', 'http://127.0.0.1.evil.example:80', 'null'];
  for (const origin of foreign) t.notOk(await isAllowed(origin, '0.0.0.0'), origin);
});
