/** When a request that waits for its results is answered. */
import t from 'tap';
import { LatestVersions } from '../../../api/state/latest-versions.ts';
import { waitUntilApplied } from '../../../api/updates/wait-until-applied.ts';
import type { FieldCache } from '../../../shared/cache/field-cache.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { asCursor, asDevice, asField, setCell } from '../../support/updates.ts';

const field = asField('garden');
const sent = { field, device: asDevice('phone'), updates: [setCell(1, 1, 0.5)], sentAt: 0 };

/** Waits for a reply that never comes, while PostgreSQL has the results of version 2. */
async function pollResults(readCursor: () => Promise<Cursor | undefined>, deadline = Number.POSITIVE_INFINITY) {
  let reads = 0;
  const results = { version: 2, cursor: asCursor(2), results: [] };
  const reader = {
    async readResults() {
      reads += 1;
      return results;
    },
  };
  const versions = new LatestVersions({ readCursor } as unknown as FieldCache);
  const pendingReply = { address: '' as never, mayHaveBeenMissed: () => true, wait: async () => undefined, close() {} };
  const deps = { replies: { isClosed: false }, reader, versions, log: createLogger({ name: 'test', level: 'silent' }) };
  return { applied: await waitUntilApplied(deps, { sent, pendingReply, deadline }), reads };
}

t.test('results from PostgreSQL count once the cache has them', async (t) => {
  const cached = [1, 1, 2].map(asCursor);
  t.match(await pollResults(async () => cached.shift()), { applied: { version: 2 }, reads: 3 });
});

t.test('results count at once if reads go to PostgreSQL', async (t) => {
  t.match(await pollResults(async () => undefined), { applied: { version: 2 }, reads: 1 });
  t.match(await pollResults(() => Promise.reject(new Error('no connection'))), { applied: { version: 2 }, reads: 1 });
});

t.test('at the deadline they count in any case', async (t) => {
  t.match(await pollResults(async () => asCursor(1), 0), { applied: { version: 2 }, reads: 1 });
});
