/** Checks receipts: that everything that devices have written is in the logs exactly once. */
import type { FieldId } from '../../../shared/field/ids.ts';
import type { FieldRow } from '../models/postgres/field-row.ts';
import { contentOf, type Edit, type Ledger } from '../processes/devices/ledger.ts';

export interface EditCheckOptions {
  /**
   * Whether commits were lost by a failover or a restore. A client does not send again what it was told is applied, so
   * that those edits may be missing.
   */
  readonly hasLostCommits: boolean;
}

export function checkEdits(
  ledger: Ledger,
  rows: ReadonlyMap<FieldId, FieldRow>,
  { hasLostCommits }: EditCheckOptions,
): string[] {
  const edits = groupBy(ledger.edits, ({ field, device, content }) => `${field} ${device} ${content}`);
  const violations = [...edits.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { field, device, content } = first;
    const applied = (rows.get(field)?.entries ?? []).filter(
      (entry) => entry.device === device && contentOf(entry.update) === content,
    ).length;
    const mayBeLost = (edit: Edit) => isExcused(ledger, edit) || (hasLostCommits && edit.isSettled);
    const required = same.filter((edit) => !mayBeLost(edit)).length;
    if (applied >= required && applied <= same.length) return [];
    const told = same.map(({ isSettled, isAccepted }) => (isSettled ? 'applied' : isAccepted ? 'accepted' : 'nothing'));
    return [
      `${field}: ${device} wrote ${content} ${same.length} times (told ${told}), and the log has it ${applied} times`,
    ];
  });
  const receipts = hasLostCommits ? [] : ledger.edits.filter((edit) => !isExcused(ledger, edit));
  return [...violations, ...receipts.flatMap((edit) => checkReceipt(edit, rows)), ...checkRawUpdates(ledger, rows)];
}

/** A client takes `expired` for settled, although another update may have had the counter before. */
function isExcused({ expired }: Ledger, { device, counter, mayBeLost }: Edit): boolean {
  return mayBeLost || expired.has(`${device} ${counter}`);
}

/** What was told to be applied at a version is there. */
function checkReceipt({ field, device, content, appliedAt }: Edit, rows: ReadonlyMap<FieldId, FieldRow>): string[] {
  if (appliedAt === undefined) return [];
  const entry = rows.get(field)?.entries[appliedAt - 1];
  if (entry?.device === device && contentOf(entry.update) === content) return [];
  return [`${field}: ${device} was told that ${content} is applied at version ${appliedAt}, where the log has another`];
}

/** Under each counter, one of the updates that were sent is applied. That it is only one is checked with the log. */
function checkRawUpdates(ledger: Ledger, rows: ReadonlyMap<FieldId, FieldRow>): string[] {
  const sent = groupBy(ledger.rawUpdates, ({ field, device, update }) => `${field} ${device} ${update.counter}`);
  return [...sent].flatMap(([name, same]) => {
    const [first] = same;
    const entry = rows
      .get(first?.field as FieldId)
      ?.entries.find(({ device, update }) => device === first?.device && update.counter === first.update.counter);
    if (!entry) return [`the log lacks the update ${name}`];
    const isSent = same.some(({ update }) => contentOf(update) === contentOf(entry.update));
    return isSent ? [] : [`the log has an update ${name} that was never sent`];
  });
}

function groupBy<Item>(items: readonly Item[], toKey: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = toKey(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
