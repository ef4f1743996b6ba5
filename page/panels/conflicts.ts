/** The newest conflicts: what two devices wrote at once, and which of it stands. */
import type { FieldConflict } from '../../client/types.ts';
import { byId, create, setText } from '../dom.ts';
import { formatCount, formatDevice, formatValue, shorten } from '../format.ts';

type Conflict = Omit<FieldConflict, 'winner' | 'own'>;
/** What `GET /api/fields/:field/conflicts` answers, the newest first. */
export interface ConflictPage {
  readonly total: number;
  readonly conflicts: readonly Conflict[];
}

const shownConflicts = 3;
const particlePrefix = 'particle/';

export interface ConflictList {
  /** Replaces all that is shown. */
  reset(page: ConflictPage): void;
  /** One more has come. */
  add(conflict: Conflict): void;
}

export function createConflicts(): ConflictList {
  const list = byId('conflicts', HTMLOListElement);
  const count = byId('conflict-count', HTMLElement);
  let page: ConflictPage = { total: 0, conflicts: [] };
  const show = (fresh?: Conflict) => {
    setText(count, page.total > 0 ? formatCount(page.total) : '');
    const none = create('li', {}, create('span', { className: 'none', text: 'None yet' }));
    list.replaceChildren(...(page.total > 0 ? page.conflicts.map((one) => describe(one, one === fresh)) : [none]));
  };
  show();
  return {
    reset(given) {
      page = { ...given, conflicts: given.conflicts.slice(0, shownConflicts) };
      show();
    },
    add(conflict) {
      page = { total: page.total + 1, conflicts: [conflict, ...page.conflicts].slice(0, shownConflicts) };
      show(conflict);
    },
  };
}

/** Where it happened, for a ring on the field. */
export function placeOf({ cell }: Pick<Conflict, 'cell'>): { readonly particle: string } | { readonly cell: string } {
  return cell.startsWith(particlePrefix) ? { particle: cell.slice(particlePrefix.length) } : { cell };
}

function describe({ cell, local, remote, resolution }: Conflict, isNew: boolean): HTMLLIElement {
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

function describeSide({ device, value }: Conflict['local'], stands: boolean): Node[] {
  const said = create(stands ? 'strong' : 's', { className: stands ? 'stands' : 'lost', text: formatValue(value) });
  const role = create('span', { className: 'unseen', text: stands ? ' stands' : ' lost' });
  return [said, role, document.createTextNode(` ${formatDevice(device)}`)];
}
