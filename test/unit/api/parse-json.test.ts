import t from 'tap';
import { parseJson } from '../../../api/http/parse-json.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

t.test('JSON of 32 levels is accepted, and deeper JSON is refused before it is parsed', async (t) => {
  t.ok(await parseJson(nested(32)));
  await t.rejects(parseJson(nested(33)), { code: 'bad_request', detail: /32 levels/ });
  await t.rejects(parseJson('{"a":'.repeat(200_000)), { code: 'bad_request', detail: /32 levels/ });
});

t.test('adjacent brackets and brackets within strings do not count as levels', async (t) => {
  t.equal(((await parseJson(`[${Array(1000).fill('[]').join()}]`)) as unknown[]).length, 1000);
  const text = `${'['.repeat(100)}\\"${'{'.repeat(100)}`;
  t.ok(await parseJson(`{"a":"${text}"}`));
  t.ok(await parseJson(`["\\\\",${nested(30)}]`), 'a string that ends with an escaped backslash is closed');
  await t.rejects(
    parseJson(`["\\\\",${nested(40)}]`),
    { code: 'bad_request', detail: /32 levels/ },
    'brackets after the string count',
  );
  await t.rejects(
    parseJson(`["${'['.repeat(100)}`),
    { code: 'bad_request', detail: /not valid/ },
    'an unterminated string is left to the parser',
  );
});

t.test('keys that could pollute a prototype are refused, however they are escaped', async (t) => {
  const texts = [
    '{"__proto__":{}}',
    '{"a":[{"__proto__":1}]}',
    '{"\\u005f_proto__":{}}',
    '{"constructor":{"prototype":{}}}',
  ];
  for (const text of texts) await t.rejects(parseJson(text), { code: 'bad_request' }, text);
});
