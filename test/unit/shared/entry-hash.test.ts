import t from 'tap';
import { canonicalJson } from '../../../shared/history/canonical-json.ts';
import { createSalt, hashEntry, hashGenesis } from '../../../shared/history/entry-hash.ts';
import { asDevice, asField, setCell } from '../../support/updates.ts';

t.test('canonical JSON sorts keys by UTF-16 code units and leaves out what is undefined', async (t) => {
  const value = { b: [1, { z: null, a: 'é\u2028"' }], a: undefined, '10': 1, '9': -0, '€': 1e21, '\u{1F600}': 0.1 };
  t.equal(canonicalJson(value), '{"10":1,"9":0,"b":[1,{"a":"é\u2028\\"","z":null}],"€":1e+21,"\u{1F600}":0.1}');
});

t.test(
  'the hash of an entry covers the hash before it, its place, its outcome, its salt and its content',
  async (t) => {
    const start = hashGenesis(asField('garden'), '5d3b0a52-0b9e-4b7c-8d8c-2f7f2c1d3e4f');
    const entry = {
      ...{ version: 1, time: 1000, outcome: 'applied' as const, salt: 'salt', rules: 2 },
      ...{ device: asDevice('ada'), user: 'user-1', update: setCell(1, 3, 0.5) },
    };
    const hash = hashEntry(start, entry);
    t.match(hash, /^[0-9a-f]{64}$/);
    t.equal(hashEntry(start, { ...entry, update: { ...entry.update } }), hash);
    const changed = [
      ...[{ version: 2 }, { time: 1001 }, { outcome: 'superseded' as const }, { salt: 'other' }, { rules: 3 }],
      ...[{ device: asDevice('bob') }, { user: undefined }, { update: setCell(1, 3, 0.6) }],
      ...[{ update: setCell(1, 3, 0.5, { seen: 1 }) }, { update: setCell(2, 3, 0.5) }],
    ];
    for (const change of changed) t.not(hashEntry(start, { ...entry, ...change }), hash, Object.keys(change).join());
    t.not(hashEntry(hashGenesis(asField('garden'), createSalt()), entry), hash, 'another genesis');
  },
);

t.test('the hash of a known entry never changes, since logs are verified by later versions', async (t) => {
  const start = hashGenesis(asField('garden'), '5d3b0a52-0b9e-4b7c-8d8c-2f7f2c1d3e4f');
  t.equal(start, 'b6e1d655958ec4518553cab980234717f302ab347909a649295c59a705a6e581');
  const update = { ...setCell(1, 1, 0.1, { timestamp: 5 }), clock: { bob: 2 } };
  const entry = { version: 1, time: 1000, outcome: 'applied' as const, salt: 'salt', rules: 2, update };
  // Computed independently, with Python's json and hashlib.
  t.equal(
    hashEntry(start, { ...entry, device: asDevice('ada'), user: 'user-1' }),
    'c80db587e67c88384e2f015700c40822f0c320355be74bc0ee221e09420fb85c',
  );
});
