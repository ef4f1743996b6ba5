import fc from 'fast-check';
import t from 'tap';
import { utf8Length } from '../../../../shared/field/math/utf8-length.ts';
import { assertProperty } from '../support/arbitraries.ts';

t.test('the length of a text in UTF-8 is that of its encoded bytes', async (t) => {
  for (const text of ['', 'a', '\u007f\u0080', 'ä', '\u07ff\u0800', '漢字', '\uffff', '😀', '👩‍👩‍👧']) {
    t.equal(utf8Length(text), Buffer.byteLength(text), JSON.stringify(text));
  }
  assertProperty(
    t,
    fc.property(fc.string({ unit: 'binary' }), (text) => utf8Length(text) === new TextEncoder().encode(text).length),
  );
});
