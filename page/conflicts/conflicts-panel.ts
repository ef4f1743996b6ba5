/** The conflicts panel: the newest concurrent writes, which of them won, and a button to restore a lost value of one's own. */
import type { FieldConflict } from '../../client/types.ts';
import { byId, createElement, setText } from '../dom.ts';
import { formatCount } from '../format.ts';
import { ConflictCounter, type ConflictPage } from './conflict-counter.ts';
import { describePlace, describeWrite, hasLost, sidesOf, toFieldConflict } from './describe-conflict.ts';

const maxShownConflicts = 3;

export interface ConflictsPanelDeps {
  readonly getDevice: () => string | undefined;
  readonly nameOf: (device: string) => string;
  readonly restore: (conflict: FieldConflict) => void;
  /** Shows where the conflict occurred. */
  readonly onSelect: (conflict: FieldConflict) => void;
  /** Whether the token may write. */
  readonly canWrite: boolean;
}

export interface ConflictsPanel {
  /** Reads earlier conflicts. @returns all that were read @throws what `read` throws; the displayed conflicts are kept */
  load(read: () => Promise<ConflictPage>): Promise<readonly FieldConflict[]>;
  /** Adds a conflict that arrived on the stream. */
  add(conflict: FieldConflict): void;
}

export function createConflictsPanel(deps: ConflictsPanelDeps): ConflictsPanel {
  const list = byId('conflicts', HTMLOListElement);
  const count = byId('conflict-count', HTMLElement);
  const counter = new ConflictCounter(maxShownConflicts);
  let isLoaded = false;
  const read = () => counter.current.conflicts.map((conflict) => toFieldConflict(conflict, deps.getDevice()));
  const show = (isAdded = false) => {
    const { total } = counter.current;
    setText(count, total > 0 ? formatCount(total) : '');
    const text = isLoaded ? 'None yet' : '…';
    const none = createElement('li', {}, createElement('span', { className: 'none', text }));
    const items = read().map((conflict, index) => describe(conflict, isAdded && index === 0, deps));
    list.replaceChildren(...(total > 0 ? items : [none]));
  };
  show();
  return {
    async load(readPage) {
      let all: ConflictPage['conflicts'] = [];
      await counter.load(async () => {
        const page = await readPage();
        all = page.conflicts;
        return page;
      });
      isLoaded = true;
      show();
      return all.map((conflict) => toFieldConflict(conflict, deps.getDevice()));
    },
    add(conflict) {
      if (counter.add(conflict)) show(true);
    },
  };
}

function describe(conflict: FieldConflict, isNew: boolean, deps: ConflictsPanelDeps): HTMLLIElement {
  const { nameOf, restore, onSelect, canWrite } = deps;
  const { winner, loser, isMerged } = sidesOf(conflict);
  const place = createElement('button', { className: 'term meta', text: describePlace(conflict) });
  place.type = 'button';
  place.addEventListener('click', () => onSelect(conflict));
  const item = createElement(
    'li',
    { className: isNew ? 'new' : '' },
    createElement('strong', { className: 'winner', text: describeWrite(winner) }),
    document.createTextNode(` by ${nameOf(winner.device)} ${isMerged ? 'was merged with' : 'won over'} `),
    createElement(isMerged ? 'strong' : 's', { className: isMerged ? 'winner' : 'loser', text: describeWrite(loser) }),
    document.createTextNode(` by ${nameOf(loser.device)}`),
    place,
  );
  if (hasLost(conflict) && canWrite) {
    const button = createElement('button', { className: 'small', text: 'Restore mine' });
    button.type = 'button';
    button.addEventListener('click', () => restore(conflict));
    item.append(button);
  }
  return item;
}
