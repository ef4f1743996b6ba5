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
    const mayBeLost = ({ mayBeLost, isSettled }: Edit) => mayBeLost || (hasLostCommits && isSettled);
    const required = same.filter((edit) => !mayBeLost(edit)).length;
    if (applied >= required && applied <= same.length) return [];
    const told = same.map(({ isSettled, isAccepted }) => (isSettled ? 'applied' : isAccepted ? 'accepted' : 'nothing'));
    return [
      `${field}: ${device} wrote ${content} ${same.length} times (told ${told}), and the log has it ${applied} times`,
    ];
  });
  return [...violations, ...checkRawUpdates(ledger, rows)];
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
