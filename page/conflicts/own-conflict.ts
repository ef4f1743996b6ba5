/** Shows a conflict that this device has lost, with its own and the winning value, until the user responds. */
import type { FieldConflict } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { pluralize } from '../format.ts';
import { describePlace, describeWrite, hasLost, sidesOf } from './describe-conflict.ts';

export interface OwnConflictDeps {
  readonly nameOf: (device: string) => string;
  /** @returns whether it was possible */
  readonly restore: (conflict: FieldConflict) => boolean;
  readonly announce: (text: string) => void;
  /** Called for a conflict that this device has won, which needs no response. */
  readonly onWon: (text: string) => void;
}

/** @returns a function to be called with each new conflict */
export function createOwnConflict(deps: OwnConflictDeps): (conflict: FieldConflict) => void {
  const notice = byId('own-conflict', HTMLElement);
  /** The newest conflict of each particle or cell. */
  let open: readonly FieldConflict[] = [];
  const show = () => {
    const [current, ...others] = open;
    notice.hidden = current === undefined;
    if (!current) return;
    const { winner } = sidesOf(current);
    const own = current.own === 'local' ? current.local : current.remote;
    const how = current.winner === 'both' ? 'was merged with a change' : 'was replaced by a change';
    setText(
      byId('conflict-title', HTMLElement),
      `Your change of ${describePlace(current)} ${how} by ${deps.nameOf(winner.device)}`,
    );
    setText(byId('conflict-mine', HTMLElement), describeWrite(own));
    setText(byId('conflict-theirs', HTMLElement), describeWrite(winner));
    setText(
      byId('conflict-rest', HTMLElement),
      others.length > 0 ? `and ${pluralize(others.length, 'more conflict')}` : '',
    );
  };
  const answer = (isRestored: boolean) => {
    const [current] = open;
    if (current && isRestored && !deps.restore(current)) return;
    open = open.slice(1);
    const hadFocus = notice.contains(document.activeElement);
    show();
    if (hadFocus && open.length === 0) byId('field', HTMLElement).focus();
  };
  byId('conflict-restore', HTMLButtonElement).addEventListener('click', () => answer(true));
  byId('conflict-keep', HTMLButtonElement).addEventListener('click', () => answer(false));
  notice.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') answer(false);
  });
  return (conflict) => {
    const { winner, loser } = sidesOf(conflict);
    if (conflict.own === undefined) return;
    if (!hasLost(conflict)) {
      const other = deps.nameOf(loser.device);
      deps.onWon(
        `${describePlace(conflict)}: your ${describeWrite(winner)} won over ${describeWrite(loser)} by ${other}`,
      );
      return;
    }
    if (open.some(({ cell, version }) => cell === conflict.cell && version === conflict.version)) return;
    open = [conflict, ...open.filter(({ cell }) => cell !== conflict.cell)];
    show();
    deps.announce(`${document.getElementById('conflict-title')?.textContent}. You can restore yours.`);
  };
}
