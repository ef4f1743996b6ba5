import t from 'tap';
import { parseJson } from '../../../api/http/parse-json.ts';

const nested = (depth: number, open = '[', close = ']') => `${open.repeat(depth)}${close.repeat(depth)}`;

t.test('JSON of 32 levels is taken, and of more refused before it is parsed', async (t) => {
  t.ok(parseJson(nested(32)));
  t.throws(() => parseJson(nested(33)), { code: 'bad_request', detail: /32 levels/ });
  t.throws(() => parseJson('{"a":'.repeat(200_000)), { code: 'bad_request', detail: /32 levels/ });
});

t.test('brackets side by side, and within strings, are no levels', async (t) => {
  t.equal((parseJson(`[${Array(1000).fill('[]').join()}]`) as unknown[]).length, 1000);
  const text = `${'['.repeat(100)}\\"${'{'.repeat(100)}`;
  t.ok(parseJson(`{"a":"${text}"}`));
  t.ok(parseJson(`["\\\\",${nested(30)}]`), 'a string that ends with a backslash');
  t.throws(
    () => parseJson(`["\\\\",${nested(40)}]`),
    { code: 'bad_request', detail: /32 levels/ },
    'and what comes after it is looked at',
  );
  t.throws(
    () => parseJson(`["${'['.repeat(100)}`),
    { code: 'bad_request', detail: /not valid/ },
    'a string without an end is none of its concern',
  );
});

t.test('keys that reach for a prototype are refused, however they are written', async (t) => {
  const texts = [
    '{"__proto__":{}}',
    '{"a":[{"__proto__":1}]}',
    '{"\\u005f_proto__":{}}',
    '{"constructor":{"prototype":{}}}',
  ];
  for (const text of texts) t.throws(() => parseJson(text), { code: 'bad_request' }, text);
});
