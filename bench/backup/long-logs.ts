/** Writes fields with long logs, using the same fold and the same statements as the workers, so that every row is valid. */
import { connectDatabase } from '../../db/connect.ts';
import { appendCommits, type NewLogEntry } from '../../db/write/append-commits.ts';
import { createFields } from '../../db/write/create-fields.ts';
import { archiveSnapshot, writeSnapshots } from '../../db/write/write-snapshots.ts';
import { foldUpdate } from '../../shared/field/fold.ts';
import type { DeviceId, FieldId } from '../../shared/field/ids.ts';
import { emptyChangeSet } from '../../shared/field/merge-update.ts';
import type { Conflict } from '../../shared/field/registers/conflict-record.ts';
import { createFieldState, type FieldState } from '../../shared/field/state.ts';
import type { Update } from '../../shared/field/update.ts';
import { createLogger } from '../../shared/process/logger.ts';

const devices = 500;
const updatesPerCommit = 5000;
const startTimestamp = 1_700_000_000_000;

export async function writeLongLogs(url: string, size: { updates: number; fields: number }): Promise<void> {
  const log = createLogger({ name: 'bench', level: 'silent' });
  const db = connectDatabase({ url, poolSize: 2, applicationName: 'bench', log, statementTimeoutMs: 600_000 });
  const fields = Array.from({ length: size.fields }, (_, index) => `long-${index}` as FieldId);
  await createFields(db, fields);
  for (const field of fields) {
    const state = createFieldState(field);
    const targetVersion = Math.floor(size.updates / size.fields);
    while (state.version < targetVersion) {
      const commit = foldNext(state, Math.min(updatesPerCommit, targetVersion - state.version));
      await db.transaction(async (trx) => {
        await appendCommits(trx, [{ state, ...commit }]);
        await writeSnapshots(trx, [state]);
        await archiveSnapshot(trx, state);
      });
    }
  }
  await db.destroy();
}

function foldNext(state: FieldState, count: number): { entries: NewLogEntry[]; conflicts: Conflict[] } {
  const entries: NewLogEntry[] = [];
  const conflicts: Conflict[] = [];
  const changes = emptyChangeSet();
  for (let done = 0; done < count; done += 1) {
    const next = state.version + 1;
    const device = `phone-${next % devices}` as DeviceId;
    const time = startTimestamp + next;
    const update = createUpdate(next, 1 + Math.floor(next / devices));
    const { version, outcome, resolution, conflicts: newConflicts } = foldUpdate(state, device, update, time, changes);
    entries.push({ version, device, time, outcome, resolution, update, user: `user-${next % devices}` });
    conflicts.push(...newConflicts);
  }
  return { entries, conflicts: conflicts.slice(-50) };
}

/** Every tenth update writes a particle, the others cells; one in twenty is concurrent with the previous hundred updates. */
function createUpdate(next: number, counter: number): Update {
  const seen = Math.max(0, next - (next % 20 === 0 ? 100 : 1));
  const origin = { counter, timestamp: startTimestamp + next, seen };
  if (next % 10 === 0) {
    const position = { x: next % 97, y: next % 89, z: 0 };
    return { ...origin, kind: 'particle.put', id: `p${next % 70}`, position, resonance: (next % 101) / 100 };
  }
  const cells = [0, 7].map((step) => ({
    x: (next + step) % 30,
    y: Math.floor(next / 30) % 30,
    value: (next % 1009) / 1009,
  }));
  return { ...origin, kind: 'cells.set', cells };
}
