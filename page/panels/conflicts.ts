/** The newest conflicts: what two devices wrote at once, and which of it stands. */
import { type ConflictPage, ConflictTally, type PageConflict } from '../conflict-counter.ts';
import { byId, create, setText } from '../dom.ts';
import { formatCount, formatDevice, formatValue, shorten } from '../format.ts';

const shownConflicts = 3;
const particlePrefix = 'particle/';

export interface ConflictList {
  /** Reads what happened before. @throws what `read` throws; what is shown stays */
  fill(read: () => Promise<ConflictPage>): Promise<void>;
  /** One more has come. */
  add(conflict: PageConflict): void;
}

export function createConflicts(): ConflictList {
  const list = byId('conflicts', HTMLOListElement);
  const count = byId('conflict-count', HTMLElement);
  const tally = new ConflictTally(shownConflicts);
  const show = (fresh?: PageConflict) => {
    const { total, conflicts } = tally.known;
    setText(count, total > 0 ? formatCount(total) : '');
    const none = create('li', {}, create('span', { className: 'none', text: 'None yet' }));
    list.replaceChildren(...(total > 0 ? conflicts.map((one) => describe(one, one === fresh)) : [none]));
  };
  show();
  return {
    async fill(read) {
      await tally.fill(read);
      show();
    },
    add(conflict) {
      if (tally.add(conflict)) show(conflict);
    },
  };
}

/** Where it happened, for a ring on the field. */
export function placeOf({
  cell,
}: Pick<PageConflict, 'cell'>): { readonly particle: string } | { readonly cell: string } {
  return cell.startsWith(particlePrefix) ? { particle: cell.slice(particlePrefix.length) } : { cell };
}

function describe({ cell, local, remote, resolution }: PageConflict, isNew: boolean): HTMLLIElement {
  const place = cell.startsWith(particlePrefix) ? shorten(cell.slice(particlePrefix.length)) : `cell ${cell}`;
  const verdict = resolution === 'merged' ? `${place}, merged` : place;
  const localStands = resolution !== 'used_remote';
  const remoteStands = resolution !== 'kept_local';
  return create(
    'li',
    { className: isNew ? 'new' : '' },
    ...describeSide(local, localStands),
    document.createTextNode(' / '),
    ...describeSide(remote, remoteStands),
    create('span', { className: 'meta', text: verdict }),
  );
}

function describeSide({ device, value }: PageConflict['local'], stands: boolean): Node[] {
  const said = create(stands ? 'strong' : 's', { className: stands ? 'stands' : 'lost', text: formatValue(value) });
  const role = create('span', { className: 'unseen', text: stands ? ' stands' : ' lost' });
  return [said, role, document.createTextNode(` ${formatDevice(device)}`)];
}
