/** The next message for a receiver: as many changes after its cursor as fit, in the order of the feed. */
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
/** Of JSON; a change that is larger comes alone. */
const maxCharacters = 256 * 1024;

export interface Message {
  /** Empty if nothing up to `through` is wanted. */
  readonly changes: readonly object[];
  /** The receiver's cursor once it has the message. */
  readonly through: ChangeCursor;
  /** The feed had nothing after it. */
  readonly isLast: boolean;
  /** The same whenever the same message is sent to the same receiver. */
  readonly id: string;
}

/** @throws FieldError `cursor_unknown` if a restore or a failover has lost what was delivered */
export async function buildMessage(
  feed: Pick<ChangeFeedReader, 'readPage' | 'assertKnown'>,
  webhook: WebhookRow,
): Promise<Message> {
  const { id, fields, kinds, region, cursor, attemptedThrough } = webhook;
  const page = await feed.readPage(parseChangeCursor(cursor), { fields, kinds: kinds ? new Set(kinds) : undefined });
  // A message that has failed is repeated as it was, although there may be more changes by now.
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

/** A failover may have lost what was attempted. */
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

/** Erasures, deletions and what was pruned concern every region; events and removals have no place. */
function isInRegion(change: Change, region: Region): boolean {
  if (change.type !== 'entry' || !('update' in change.entry)) return true;
  return touchesRegion(change.entry.update, region);
}

function touchesRegion(update: Update, region: Region): boolean {
  if (update.kind === 'cells.set') return update.cells.some((cell) => containsPoint(region, cell));
  return update.kind === 'particle.put' && update.position !== undefined && containsPoint(region, update.position);
}
