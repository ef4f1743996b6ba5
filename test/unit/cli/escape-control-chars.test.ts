/** Text of others on a terminal: nothing moves the cursor, reorders a line or forges one. */
import { styleText } from 'node:util';
import t from 'tap';
import { createProcessContext } from '../../../cli/context/process-context.ts';
import { renderTable } from '../../../cli/output/render-table.ts';
import { escapeControlChars, escapeLine, escapeOutput } from '../../../cli/text/escape-control-chars.ts';

const marks = ['\u202e', '\u2066', '\u200f', '\u061c', '\u2028', '\ufeff'];
const hostile = ['\u0007', '\u001b[2J', '\u009b2J', '\r', '\u0090', ...marks];

t.test('control characters and marks of direction are escaped, and other text stays as it is', async (t) => {
  for (const text of hostile) {
    for (const escapeText of [escapeControlChars, escapeLine, escapeOutput]) {
      t.match(escapeText(`a${text}b`), /^a\\u[0-9a-f]{4}/, `U+${text.charCodeAt(0).toString(16)}`);
    }
  }
  for (const text of ['ünï \u{1f30c} 中文', 'עברית', '"quoted" \\ back'])
    t.equal(escapeOutput(text), text, 'other text');
});

t.test('a line break in an id does not forge a row of a table', async (t) => {
  const table = renderTable([
    ['id', 'state'],
    ['star\nplanet  applied', 'refused'],
  ]);
  t.equal(table.split('\n').length, 2);
  t.match(table, 'star\\u000aplanet');
});

t.test(
  'what a command prints is escaped, except for colours and line breaks, and JSON keeps its meaning',
  async (t) => {
    const printed: string[] = [];
    t.intercept(console, 'log', { value: (line: string) => printed.push(line) });
    const value = { id: 'a\u009b31m\u202eb\nc' };
    createProcessContext().print(JSON.stringify(value));
    t.notMatch(printed[0], /[\u009b\u202e]/u);
    t.same(JSON.parse(printed[0] ?? ''), value);
    const coloured = styleText('red', 'warning', { validateStream: false });
    t.equal(escapeOutput(`${coloured}\n`), `${coloured}\n`);
    t.match(escapeOutput('\u001b[2K\u001b]0;title\u0007'), /^\\u001b\[2K\\u001b\]0;title\\u0007$/);
  },
);
