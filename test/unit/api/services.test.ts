import { setImmediate as endOfTurn } from 'node:timers/promises';
import t from 'tap';
import { parseOrigins } from '../../../api/http/cors-origins.ts';
import { formatEtag, matchesEtag } from '../../../api/http/etag.ts';
import { parseWait } from '../../../api/http/prefer-header.ts';
import { SingleFlight } from '../../../api/state/single-flight.ts';

t.test('who asks while work is under way shares the next round, which began after the question', async (t) => {
  const rounds: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const coalescer = new SingleFlight<string, number>(
    () => new Promise((resolve, reject) => rounds.push({ resolve, reject })),
  );
  const [first, alike] = [coalescer.run('a'), coalescer.run('a')];
  const other = coalescer.run('b');
  await endOfTurn();
  t.equal(rounds.length, 2, 'one round a key for all who ask in the same turn');
  const second = coalescer.run('a');
  await endOfTurn();
  const third = coalescer.run('a');
  t.equal(rounds.length, 2, 'none while one is under way');
  rounds[0]?.resolve(1);
  t.same(await Promise.all([first, alike]), [1, 1]);
  const last = coalescer.run('a');
  rounds[1]?.resolve(10);
  t.equal(await other, 10);
  t.equal(rounds.length, 2, 'all of the turn in which it is over may share the next');
  await endOfTurn();
  t.equal(rounds.length, 3);
  rounds[2]?.resolve(2);
  t.same(await Promise.all([second, third, last]), [2, 2, 2]);
});

t.test('a round that fails, fails for those who shared it alone', async (t) => {
  let calls = 0;
  let fail: (error: Error) => void = () => undefined;
  const coalescer = new SingleFlight<string, number>(async () => {
    calls += 1;
    if (calls > 1) return calls;
    return new Promise((_, reject) => {
      fail = reject;
    });
  });
  const first = coalescer.run('a');
  await endOfTurn();
  const second = coalescer.run('a');
  fail(new Error('once'));
  await t.rejects(first, { message: 'once' });
  t.equal(await second, 2);
  t.equal(await coalescer.run('a'), 3);
});

t.test('Prefer: wait is read as RFC 7240 has it, and held to 30 s', async (t) => {
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

t.test('an ETag is matched weakly, in lists, and by *', async (t) => {
  const etag = formatEtag(12);
  t.equal(etag, '"v12"');
  for (const header of ['"v12"', 'W/"v12"', '"v1" , "v12"', '*']) t.ok(matchesEtag(header, etag), header);
  for (const header of [undefined, '"v1"', 'v12', '"v123"', '']) t.notOk(matchesEtag(header, etag), String(header));
});

t.test('origins are a list with commas, with or without spaces and closing slashes', async (t) => {
  t.same(parseOrigins(''), []);
  t.same(parseOrigins(' https://a.example/,https://b.example:8443 ,'), ['https://a.example', 'https://b.example:8443']);
});
