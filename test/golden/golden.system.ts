import { readFileSync } from 'node:fs';
import t from 'tap';
import { computeGoldenHashes, goldenFile } from './golden.ts';

t.test('the recorded and generated logs give the states and outcomes that are stored as hashes', async (t) => {
  t.strictSame(computeGoldenHashes(), JSON.parse(readFileSync(goldenFile, 'utf8')));
});
