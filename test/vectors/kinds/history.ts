/** Canonical JSON, cursors, and the chain of hashes over a log. */
import { type Cursor, formatCursor, hashPrefixOf, isCursor, versionOf } from '../../../shared/field/cursor.ts';
import { type FieldId, globalField } from '../../../shared/field/ids.ts';
import type { Update } from '../../../shared/field/update.ts';
import { canonicalJson } from '../../../shared/history/canonical-json.ts';
import { chainHash, type HashedEntry, hashContent, hashGenesis } from '../../../shared/history/entry-hash.ts';
import { put, remove, sent, setCells } from '../../unit/field/support/changes.ts';

const canonicalValues = [
  [
    1, 0.1, -1.5, 100, 1e20, 1e21, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 333_333_333.333_333_3,
    0.30000000000000004,
  ],
  { b: 1, a: { d: [], c: {} }, '': null },
  { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 },
  ['"\\/\b\f\n\r\t\u0001\u001f', '\u007f\u2028', 'e\u0301', '\u{1f469}\u200d\u{1f680}'],
  [true, false, null, ''],
];

const cursors = [
  '0.0000000000000000',
  '12.9f86d081884c7d65',
  '9007199254740991.ffffffffffffffff',
  '9007199254740992.ffffffffffffffff',
  '012.9f86d081884c7d65',
  '12',
  '12.9f86d081884c7d6',
  '12.9F86D081884C7D65',
  '-1.9f86d081884c7d65',
  '1.5.9f86d081884c7d65',
  '',
];

const genesis = '4b1d8f0e-6f0e-4c0b-9a55-0d3c6f1e2a77';

const updates: readonly { readonly device: string; readonly update: Update }[] = [
  sent('phone-1', [1, 1_700_000_000_000], setCells({ x: 3, y: 4, value: 0.5 })),
  sent('phone-2', [1, 1_700_000_000_250], put('star', { position: { x: 1, y: -2.5, z: 0 }, content: 'é ✨' }), {
    seen: 1,
    clock: { 'phone-1': 1 },
  }),
  sent('phone-1', [2, 1_700_000_000_300], remove('star'), { seen: 1 }),
  sent('phone-2', [2, 1_700_000_000_900], setCells({ x: 0, y: 0, value: 1 }, { x: 29, y: 29, value: 0 }), { seen: 3 }),
];

function createChain(): object {
  let hash = hashGenesis(globalField, genesis);
  const start = { field: globalField as FieldId, genesis, hash, cursor: formatCursor(0, hash) };
  const entries = updates.map(({ device, update }, index) => {
    const version = index + 1;
    const salt = `00000000-0000-4000-8000-00000000000${version}`;
    const outcome = version === 3 ? ('conflict' as const) : ('applied' as const);
    const header = { version, time: 1_700_000_001_000 + version * 10, outcome };
    const content = { rules: 2, device, user: version === 2 ? 'user-1' : undefined, update, salt };
    const contentHash = hashContent(content as HashedEntry);
    hash = chainHash(hash, header, contentHash);
    const cursor = formatCursor(version, hash);
    // The content of the last entry was erased: its hash alone continues the chain.
    return version === updates.length
      ? { ...header, contentHash, hash, cursor }
      : { ...header, ...content, contentHash, hash, cursor };
  });
  return { ...start, entries };
}

export function createHistoryVectors(): object {
  return {
    canonicalJson: canonicalValues.map((value) => ({ value, text: canonicalJson(value) })),
    cursors: cursors.map((cursor) =>
      isCursor(cursor)
        ? { cursor, version: versionOf(cursor), hash: hashPrefixOf(cursor as Cursor) }
        : { cursor, invalid: true },
    ),
    chain: createChain(),
  };
}
