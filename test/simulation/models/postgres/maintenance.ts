/** What the maintenance tasks do to the model of PostgreSQL, in transactions as theirs. */
import type { FieldId } from '../../../../shared/field/ids.ts';
import { encodeSnapshot } from '../../../../shared/field/snapshot.ts';
import type { RepublishStore } from '../../../../workers/maintenance/republish.ts';
import type { Link } from '../link.ts';
import { pruneRow, readState } from './field-row.ts';
import type { PostgresServer } from './postgres-server.ts';

/**
 * Retention is a day at least, and a run takes about a minute: what is younger than this is never deleted, also if a clock
 * jumps, so that nobody still waits for the receipt of an entry that is.
 */
const minAgeMs = 25_000;

/** Deletes the log entries whose log time is not after `cutoff`. */
export function pruneLogs(server: PostgresServer, link: Link, cutoff: number): Promise<void> {
  return link.request(async () => {
    for (const field of server.database.fields.keys()) {
      await server.update([field], (rows) =>
        rows.flatMap((row) => {
          const through =
            row.entries.findLast((entry) => entry.time <= cutoff && server.ageOf(entry) >= minAgeMs)?.version ?? 0;
          return through > row.logStart ? [pruneRow(row, through)] : [];
        }),
      );
    }
  });
}

/** Writes the snapshots of fields that are behind their logs. */
export function flushSnapshots(server: PostgresServer, link: Link): Promise<void> {
  return link.request(async () => {
    for (const field of server.database.fields.keys()) {
      await server.update([field], (rows) => rows.map((row) => ({ ...row, snapshot: encodeSnapshot(readState(row)) })));
    }
  });
}

export function createRepublishStore(server: PostgresServer, link: Link): RepublishStore {
  return {
    listUnpublished: (limit) =>
      link.request(() =>
        [...server.database.unpublished].slice(0, limit).map(([field, version]) => ({ field, version })),
      ),
    loadState: (field) =>
      link.request(() => {
        const row = server.readRow(field);
        return row && readState(row);
      }),
    unmark: (field, version) => link.request(() => unmark(server, field, version)),
  };
}

function unmark(server: PostgresServer, field: FieldId, version: number): void {
  const unpublished = new Map(server.database.unpublished);
  if ((unpublished.get(field) ?? 0) > version) return;
  unpublished.delete(field);
  server.writeUnpublished(unpublished);
}
