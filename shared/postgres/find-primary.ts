/**
 * Finds the primary among several servers. All are probed at once: otherwise a server that hangs, accepting connections without
 * answering, would delay every connection by its timeout. If several accept writes, the last promoted one is the primary: an old
 * primary that is restarted after its standby took over still accepts writes.
 */
import pg from 'pg';

interface Answer {
  readonly url: string;
  readonly isWritable: boolean;
  /** Increased by each promotion. */
  readonly timeline: number;
}

const probeTimeoutMs = 2000;
/** How long to wait for another suitable server after the first. All but hanging servers answer within this time. */
const graceMs = 200;

const probeSql = `
  SELECT NOT current_setting('transaction_read_only')::bool AS "isWritable",
    CASE WHEN pg_is_in_recovery() THEN '0' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`;

/**
 * @param needsWritable whether the server must accept writes
 * @throws the error of a server that accepts no writes, or else the first failure, if none is suitable
 */
export async function findPrimary(urls: readonly string[], needsWritable: boolean): Promise<string> {
  const suitable: Answer[] = [];
  const failures: Error[] = [];
  await new Promise<void>((resolve) => {
    let pending = urls.length;
    for (const url of urls) {
      const settle = () => {
        pending -= 1;
        if (pending === 0) resolve();
        else if (suitable.length > 0) setTimeout(resolve, graceMs).unref();
      };
      probe(url)
        .then((answer) => {
          if (answer.isWritable || !needsWritable) suitable.push(answer);
          else failures.push(new ReadOnlyServerError());
        })
        .catch((error: Error) => void failures.push(error))
        .finally(settle);
    }
  });
  const [best] = suitable.sort((a, b) => Number(b.isWritable) - Number(a.isWritable) || b.timeline - a.timeline);
  if (best) return best.url;
  // The error of a server that answers is more informative than that of an unreachable one.
  throw failures.find((error) => error instanceof ReadOnlyServerError) ?? failures[0] ?? new Error('there is no host');
}

/** Has the code of PostgreSQL's own error for a write on such a server, so that it is retried alike. */
class ReadOnlyServerError extends Error {
  readonly code = '25006';

  constructor() {
    super('none of the hosts accepts writes');
  }
}

async function probe(url: string): Promise<Answer> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'field-probe',
    connectionTimeoutMillis: probeTimeoutMs,
    query_timeout: probeTimeoutMs,
  });
  client.on('error', () => undefined); // The promise below is rejected with the same error.
  try {
    await client.connect();
    const { rows } = await client.query<{ isWritable: boolean; timeline: string }>(probeSql);
    const [{ isWritable, timeline } = { isWritable: false, timeline: '0' }] = rows;
    return { url, isWritable, timeline: Number.parseInt(timeline, 16) };
  } finally {
    // Not awaited, since a hanging server would never confirm it.
    client.end().catch(() => undefined);
  }
}
