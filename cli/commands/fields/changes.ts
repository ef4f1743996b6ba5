/** `changes`: writes the change feed as NDJSON, as `GET /api/changes` does. */
import { setTimeout as delay } from 'node:timers/promises';
import { renderChanges } from '../../../api/changes/change-lines.ts';
import { createChangeFeedReader } from '../../../db/read/changes/read-changes.ts';
import { FieldError } from '../../../shared/errors.ts';
import {
  type ChangePlace,
  changeCursorSchema,
  feedStart,
  parseChangeCursor,
} from '../../../shared/exchange/change-cursor.ts';
import type { Update } from '../../../shared/field/update.ts';
import { recordActions } from '../../backends/record-action.ts';
import { withDatabase } from '../../backends/with-database.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';
import { isOutputClosed, writeOutput } from '../../exchange/output-file.ts';
import { parsePatterns } from '../../input/parse-token-options.ts';
import { readSettings } from '../../input/read-settings.ts';

/** How often the feed is polled when following it. */
const pollIntervalMs = 1000;

export interface ChangesOptions {
  readonly after?: string;
  readonly fields: string;
  readonly kind?: readonly Update['kind'][];
  readonly follow?: boolean;
}

export async function writeChanges(
  { after, fields, kind, follow = false }: ChangesOptions,
  context: CommandContext,
): Promise<void> {
  const { DATABASE_URL: url } = readSettings(['DATABASE_URL'], context);
  const place = after === undefined ? feedStart : parseAfter(after);
  const filter = { fields: parsePatterns(fields), kinds: kind && new Set(kind) };
  const signal = context.catchShutdownSignals();
  try {
    await withDatabase(url, async (db) => {
      const feed = createChangeFeedReader(db);
      await feed.assertKnown(place);
      await recordActions(db, [{ action: 'changes.read', target: fields }]);
      const changes = { count: 0, wait: () => delay(pollIntervalMs, true, { signal }).catch(() => false) };
      const lines = renderChanges(
        { feed, changes, assertAllowed: async () => undefined, signal },
        { after: place, filter, follow },
      );
      await writeOutput(lines, { file: undefined, force: undefined, signal }, context);
    });
  } catch (error) {
    if (signal.aborted || isOutputClosed(error)) return context.setExitCode('stopped');
    if (!(error instanceof FieldError)) throw error;
    throw new CliError('negative', 'The database does not have this cursor: a restore or a failover has lost it.', {
      hint: 'Run the command without --after.',
      cause: error,
    });
  }
}

/** @throws CliError `usage` */
function parseAfter(text: string): ChangePlace {
  const cursor = changeCursorSchema.safeParse(text);
  if (cursor.success) return parseChangeCursor(cursor.data);
  throw new CliError('usage', `--after: "${text}" is not the "next" of a line.`);
}
