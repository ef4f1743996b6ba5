/** Builds the next message for a receiver: as many changes after its cursor as fit, in the order of the feed. */
import { createHash } from 'node:crypto';
import { describeChange } from '../../db/read/changes/describe-change.ts';
import type { Change, ChangeFeedReader } from '../../db/read/changes/read-changes.ts';
import type { WebhookRow } from '../../db/webhooks/webhook-row.ts';
import { FieldError } from '../../shared/errors.ts';
import {
  type ChangeCursor,
  type ChangePlace,
  comparePlaces,
  formatChangeCursor,
  parseChangeCursor,
} from '../../shared/exchange/change-cursor.ts';
import { containsPoint, type Region } from '../../shared/field/math/region.ts';
import type { Update } from '../../shared/field/update.ts';

const maxChanges = 100;
/** The maximum length of the JSON. A larger change is sent on its own. */
const maxCharacters = 256 * 1024;

export interface Message {
  /** Empty if no change up to `through` matches the webhook's filters. */
  readonly changes: readonly object[];
  /** The receiver's cursor after the delivery. */
  readonly through: ChangeCursor;
  /** Whether the feed had no further changes. */
  readonly isLast: boolean;
  /** Identical for every attempt to deliver this message. */
  readonly id: string;
}

/** @throws FieldError `cursor_unknown` if a restore or a failover lost the changes that were delivered last */
export async function buildMessage(
  feed: Pick<ChangeFeedReader, 'readPage' | 'assertKnown'>,
  webhook: WebhookRow,
): Promise<Message> {
  const { id, fields, kinds, region, cursor, attemptedThrough } = webhook;
  const page = await feed.readPage(parseChangeCursor(cursor), { fields, kinds: kinds ? new Set(kinds) : undefined });
  // A retried message has the same content as before, even if there are more changes now.
  const end = await findKnownPlace(feed, attemptedThrough);
  const changes: object[] = [];
  let through: ChangePlace = page.next;
  let isCut = false;
  let characters = 0;
  let previous: ChangePlace | undefined;
  for (const change of page.changes) {
    const isBeyond = end !== undefined && comparePlaces(change.place, end) > 0;
    const described = region && !isInRegion(change, region) ? undefined : describeChange(change);
    const length = described ? JSON.stringify(described).length : 0;
    if (isBeyond || changes.length === maxChanges || (changes.length > 0 && characters + length > maxCharacters)) {
      isCut = true;
      through = (isBeyond ? end : previous) ?? page.next;
      break;
    }
    characters += length;
    if (described) changes.push(described);
    previous = change.place;
  }
  const cursorAfter = formatChangeCursor(isCut || end === undefined || comparePlaces(through, end) < 0 ? through : end);
  const digest = createHash('sha256').update(`${id} ${cursor} ${cursorAfter}`).digest('hex').slice(0, 32);
  return { changes, through: cursorAfter, isLast: page.isLast && !isCut && end === undefined, id: `msg_${digest}` };
}

/** Undefined if there was no attempt, or if a failover lost its changes. */
async function findKnownPlace(
  feed: Pick<ChangeFeedReader, 'assertKnown'>,
  cursor: ChangeCursor | null,
): Promise<ChangePlace | undefined> {
  if (cursor === null) return undefined;
  const place = parseChangeCursor(cursor);
  try {
    await feed.assertKnown(place);
    return place;
  } catch (error) {
    if (error instanceof FieldError && error.code === 'cursor_unknown') return undefined;
    throw error;
  }
}

/** Erasures, deletions and pruning concern every region. Events and removals have no position. */
function isInRegion(change: Change, region: Region): boolean {
  if (change.type !== 'entry' || !('update' in change.entry)) return true;
  return touchesRegion(change.entry.update, region);
}

function touchesRegion(update: Update, region: Region): boolean {
  if (update.kind === 'cells.set') return update.cells.some((cell) => containsPoint(region, cell));
  return update.kind === 'particle.put' && update.position !== undefined && containsPoint(region, update.position);
}
