/** Checks receipts: that everything that devices have written is in the logs exactly once. */
import type { FieldId } from '../../../shared/field/ids.ts';
import type { FieldRow } from '../models/postgres/field-row.ts';
import { contentOf, type Edit, type Ledger } from '../processes/devices/ledger.ts';

export interface EditCheckOptions {
  /** Whether a failover or a restore has lost commits: a version in an earlier result may then be another update's. */
  readonly hasLostCommits: boolean;
  /** Whether any server has lost anything: what a device has forgotten too is gone. */
  readonly hasLostData: boolean;
}

export function checkEdits(
  ledger: Ledger,
  rows: ReadonlyMap<FieldId, FieldRow>,
  { hasLostCommits, hasLostData }: EditCheckOptions,
): string[] {
  const edits = groupBy(ledger.edits, ({ field, device, content }) => `${field} ${device} ${content}`);
  const violations = [...edits.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { field, device, content } = first;
    const applied = (rows.get(field)?.entries ?? []).filter(
      (entry) => entry.device === device && contentOf(entry.update) === content,
    ).length;
    const mayBeLost = (edit: Edit) => edit.mayBeLost || (hasLostData && edit.isForgotten);
    const required = same.filter((edit) => !mayBeLost(edit)).length;
    if (applied >= required && applied <= same.length) return [];
    const told = same.map(({ isSettled, isAccepted }) => (isSettled ? 'applied' : isAccepted ? 'accepted' : 'nothing'));
    return [
      `${field}: ${device} wrote ${content} ${same.length} times (its result: ${told}), and the log has it ${applied} times`,
    ];
  });
  const receipts = hasLostCommits
    ? []
    : ledger.edits.filter(({ device, counter }) => !ledger.expired.has(`${device} ${counter}`));
  return [...violations, ...receipts.flatMap((edit) => checkReceipt(edit, rows)), ...checkRawUpdates(ledger, rows)];
}

/** What a result said was applied at a version is there; `expired` does not name the version. */
function checkReceipt({ field, device, content, appliedAt }: Edit, rows: ReadonlyMap<FieldId, FieldRow>): string[] {
  if (appliedAt === undefined) return [];
  const entry = rows.get(field)?.entries[appliedAt - 1];
  if (entry?.device === device && contentOf(entry.update) === content) return [];
  return [
    `${field}: ${device} received the result that ${content} is applied at version ${appliedAt}, where the log has another`,
  ];
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
