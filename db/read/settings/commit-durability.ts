/** Whether PostgreSQL's settings allow confirmed commits to be lost. */
import type { Knex } from 'knex';
import type { DurabilityReading } from '../../../shared/durability/durability-monitor.ts';

interface CommitSettings {
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly synchronousCommit: string;
  /** What the role or the database sets for new sessions; null if they leave it to the server. */
  readonly newSynchronousCommit: string | null;
  readonly synchronousStandbyNames: string;
}

/** Among the settings for new sessions, that for role and database takes precedence, followed by that for the role. */
const settingsSql = `
  SELECT current_setting('fsync') AS fsync,
         current_setting('full_page_writes') AS "fullPageWrites",
         current_setting('synchronous_commit') AS "synchronousCommit",
         current_setting('synchronous_standby_names') AS "synchronousStandbyNames",
         (SELECT split_part(entry, '=', 2) FROM pg_db_role_setting, unnest(setconfig) AS entry
          WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))
            AND entry LIKE 'synchronous_commit=%'
          ORDER BY setrole <> 0 AND setdatabase <> 0 DESC, setrole <> 0 DESC, setdatabase <> 0 DESC
          LIMIT 1) AS "newSynchronousCommit"`;

/** @throws if PostgreSQL does not answer */
export async function readCommitDurability(db: Knex): Promise<DurabilityReading> {
  const { rows } = await db.raw<{ rows: [CommitSettings] }>(settingsSql);
  const weaknesses = listCommitWeaknesses(rows[0]);
  return { durability: weaknesses.length > 0 ? 'memory' : 'postgres', weaknesses };
}

/** Why production refuses the database, with the remedy; undefined if it is durable. */
export function describeWeakCommits({ weaknesses }: DurabilityReading): string | undefined {
  if (weaknesses.length === 0) return undefined;
  return (
    `DATABASE_URL: PostgreSQL may lose what it has committed, since ${weaknesses.join('; ')}. ` +
    'Turn it on, or set ALLOW_WEAK_DURABILITY=true'
  );
}

/** The spellings of `off` that a role or a database may have set. */
const offValues = new Set(['off', 'false', 'no', '0']);

/** The settings with which a confirmed commit can be lost, one clause each. */
export function listCommitWeaknesses(settings: CommitSettings): string[] {
  const { fsync, fullPageWrites, synchronousCommit: current, newSynchronousCommit, synchronousStandbyNames } = settings;
  const isWeak = (value: string) => offValues.has(value) || (value === 'local' && synchronousStandbyNames !== '');
  const describe = (value: string, scope = '') =>
    `synchronous_commit is ${value}${scope}${value === 'local' ? ', although synchronous_standby_names is set' : ''}`;
  const isNewWeak = newSynchronousCommit !== null && newSynchronousCommit !== current && isWeak(newSynchronousCommit);
  return [
    ...(fsync === 'off' ? ['fsync is off'] : []),
    ...(fullPageWrites === 'off' ? ['full_page_writes is off'] : []),
    ...(isWeak(current) ? [describe(current)] : []),
    ...(isNewWeak ? [describe(newSynchronousCommit, ' for new sessions')] : []),
  ];
}
