/** The conflicts panel: the newest concurrent writes and which value won. */
import { ConflictCounter, type ConflictPage, type PageConflict } from '../conflict-counter.ts';
import { byId, createElement, setText } from '../dom.ts';
import { formatCount, formatDevice, formatValue, truncate } from '../format.ts';

const maxShownConflicts = 3;
const particlePrefix = 'particle/';

export interface ConflictsPanel {
  /** Reads earlier conflicts. @throws what `read` throws; the displayed conflicts are kept */
  load(read: () => Promise<ConflictPage>): Promise<void>;
  /** Adds a conflict that arrived on the stream. */
  add(conflict: PageConflict): void;
}

export function createConflictsPanel(): ConflictsPanel {
  const list = byId('conflicts', HTMLOListElement);
  const count = byId('conflict-count', HTMLElement);
  const counter = new ConflictCounter(maxShownConflicts);
  const show = (added?: PageConflict) => {
    const { total, conflicts } = counter.current;
    setText(count, total > 0 ? formatCount(total) : '');
    const none = createElement('li', {}, createElement('span', { className: 'none', text: 'None yet' }));
    list.replaceChildren(...(total > 0 ? conflicts.map((conflict) => describe(conflict, conflict === added)) : [none]));
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

/** The particle or cell of a conflict, as a target for a ripple. */
export function toRippleTarget({
  cell,
}: Pick<PageConflict, 'cell'>): { readonly particle: string } | { readonly cell: string } {
  return cell.startsWith(particlePrefix) ? { particle: cell.slice(particlePrefix.length) } : { cell };
}

function describe({ cell, local, remote, resolution }: PageConflict, isNew: boolean): HTMLLIElement {
  const location = cell.startsWith(particlePrefix) ? truncate(cell.slice(particlePrefix.length)) : `cell ${cell}`;
  const label = resolution === 'merged' ? `${location}, merged` : location;
  const isLocalWinner = resolution !== 'used_remote';
  const isRemoteWinner = resolution !== 'kept_local';
  return createElement(
    'li',
    { className: isNew ? 'new' : '' },
    ...describeWrite(local, isLocalWinner),
    document.createTextNode(' / '),
    ...describeWrite(remote, isRemoteWinner),
    createElement('span', { className: 'meta', text: label }),
  );
}

function describeWrite({ device, value }: PageConflict['local'], isWinner: boolean): Node[] {
  const valueElement = createElement(isWinner ? 'strong' : 's', {
    className: isWinner ? 'winner' : 'loser',
    text: formatValue(value),
  });
  const outcomeElement = createElement('span', { className: 'unseen', text: isWinner ? ' won' : ' lost' });
  return [valueElement, outcomeElement, document.createTextNode(` ${formatDevice(device)}`)];
}
