/** The newest conflicts: what two devices wrote at once, and which of it stands. */
import { ConflictCounter, type ConflictPage, type PageConflict } from '../conflict-counter.ts';
import { byId, createElement, setText } from '../dom.ts';
import { formatCount, formatDevice, formatValue, truncate } from '../format.ts';

const maxShownConflicts = 3;
const particlePrefix = 'particle/';

export interface ConflictsPanel {
  /** Reads what happened before. @throws what `read` throws; what is shown stays */
  load(read: () => Promise<ConflictPage>): Promise<void>;
  /** One more has come. */
  add(conflict: PageConflict): void;
}

export function createConflictsPanel(): ConflictsPanel {
  const list = byId('conflicts', HTMLOListElement);
  const count = byId('conflict-count', HTMLElement);
  const counter = new ConflictCounter(maxShownConflicts);
  const show = (fresh?: PageConflict) => {
    const { total, conflicts } = counter.current;
    setText(count, total > 0 ? formatCount(total) : '');
    const none = createElement('li', {}, createElement('span', { className: 'none', text: 'None yet' }));
    list.replaceChildren(...(total > 0 ? conflicts.map((one) => describe(one, one === fresh)) : [none]));
  };
  show();
  return {
    async load(read) {
      await counter.load(read);
      show();
    },
    add(conflict) {
      if (counter.add(conflict)) show(conflict);
    },
  };
}

/** Where it happened, for a ring on the field. */
export function toRippleTarget({
  cell,
}: Pick<PageConflict, 'cell'>): { readonly particle: string } | { readonly cell: string } {
  return cell.startsWith(particlePrefix) ? { particle: cell.slice(particlePrefix.length) } : { cell };
}

function describe({ cell, local, remote, resolution }: PageConflict, isNew: boolean): HTMLLIElement {
  const place = cell.startsWith(particlePrefix) ? truncate(cell.slice(particlePrefix.length)) : `cell ${cell}`;
  const label = resolution === 'merged' ? `${place}, merged` : place;
  const isLocalWinner = resolution !== 'used_remote';
  const isRemoteWinner = resolution !== 'kept_local';
  return createElement(
    'li',
    { className: isNew ? 'new' : '' },
    ...describeSide(local, isLocalWinner),
    document.createTextNode(' / '),
    ...describeSide(remote, isRemoteWinner),
    createElement('span', { className: 'meta', text: label }),
  );
}

function describeSide({ device, value }: PageConflict['local'], isWinner: boolean): Node[] {
  const valueElement = createElement(isWinner ? 'strong' : 's', {
    className: isWinner ? 'stands' : 'lost',
    text: formatValue(value),
  });
  const outcomeElement = createElement('span', { className: 'unseen', text: isWinner ? ' stands' : ' lost' });
  return [valueElement, outcomeElement, document.createTextNode(` ${formatDevice(device)}`)];
}
