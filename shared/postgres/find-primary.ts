/**
 * Finds which of several servers is the primary. All are asked at once: a server that hangs, which accepts connections and never answers,
 * would otherwise delay every connection by its timeout. Of several that accept writes, the one that was promoted last is right: an old
 * primary that was started again, after its standby took over, does not know that it is none.
 */
import pg from 'pg';

interface Answer {
  readonly url: string;
  readonly isWritable: boolean;
  /** Increased by each promotion. */
  readonly timeline: number;
}

const probeTimeoutMs = 2000;
/** How long a second server that accepts writes is waited for. All but the ones that hang answer in this time. */
const graceMs = 200;

const probeSql = `
  SELECT NOT current_setting('transaction_read_only')::bool AS "isWritable",
    CASE WHEN pg_is_in_recovery() THEN '0' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`;

/** @param needsWritable whether a server that only reads will not do @throws the reason of the first host if none is suitable */
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
  // A server that answers says more than one that cannot be reached.
  throw failures.find((error) => error instanceof ReadOnlyServerError) ?? failures[0] ?? new Error('there is no host');
}

/** Has the code that PostgreSQL itself gives to a write on such a server, so that it is retried like that. */
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
    // Not awaited: a server that hangs confirms nothing.
    client.end().catch(() => undefined);
  }
}
