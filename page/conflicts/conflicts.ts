/** The conflicts of the field, and those of this device's edits in particular. */
import type { FieldEditor } from '../../client/editing/editor.ts';
import type { FieldClient, FieldConflict, OutboxEntry } from '../../client/types.ts';
import type { FieldCanvas } from '../canvas/field-canvas.ts';
import type { People } from '../identity/people.ts';
import type { LiveRegion } from '../panels/live-region.ts';
import type { ConflictPage, PageConflict } from './conflict-counter.ts';
import { createConflictsPanel } from './conflicts-panel.ts';
import { toRippleTarget } from './describe-conflict.ts';
import { createOwnConflict } from './own-conflict.ts';

export interface ConflictsDeps {
  readonly client: FieldClient;
  readonly editor: FieldEditor;
  readonly fieldCanvas: FieldCanvas;
  readonly people: People;
  readonly liveRegion: LiveRegion;
  readonly showEffect: (text: string) => void;
  readonly canEdit: () => boolean;
  /** Whether the token may write. */
  readonly canWrite: boolean;
  readonly showNotice: (text: string) => void;
  /** Called with each conflict, earlier ones included. */
  readonly onConflict: (conflict: PageConflict) => void;
}

export interface Conflicts {
  /** Adds a conflict that arrived on the stream. */
  add(conflict: FieldConflict): void;
  /** Records an own update in a conflict, whose record may not arrive on the stream. */
  expect(entry: OutboxEntry): void;
  /** Reads earlier conflicts. @throws RequestError */
  load(): Promise<void>;
}

export function createConflicts({
  client,
  editor,
  fieldCanvas,
  people,
  liveRegion,
  showEffect,
  canEdit,
  canWrite,
  showNotice,
  onConflict,
}: ConflictsDeps): Conflicts {
  const nameOf = (device: string) => people.nameOf(device);
  const announce = (text: string) => liveRegion.announce(text);
  /** The counters of own updates whose conflicts, of this visit, were not shown yet. */
  const expected = new Set<number>();
  const restore = (conflict: FieldConflict) => {
    if (!canEdit()) {
      showNotice('Go back to now to restore your value');
      return false;
    }
    announce(editor.restoreMine(conflict) ? 'Your value is restored' : 'There is nothing to restore');
    return true;
  };
  const panel = createConflictsPanel({
    getDevice: () => client.deviceId,
    nameOf,
    restore,
    canWrite,
    onSelect: (conflict) => fieldCanvas.ripple('conflict', toRippleTarget(conflict)),
  });
  const showOwn = createOwnConflict({ nameOf, restore, announce, onWon: showEffect });
  const show = (conflict: FieldConflict) => {
    if (conflict.own) expected.delete(conflict[conflict.own].counter);
    showOwn(conflict);
  };
  return {
    add(conflict) {
      panel.add(conflict);
      onConflict(conflict);
      show(conflict);
    },
    expect: ({ counter }) => void expected.add(counter),
    async load() {
      const conflicts = await panel.load(async () => {
        const page = await client.read<ConflictPage>('/conflicts');
        for (const conflict of page.conflicts) onConflict(conflict);
        return page;
      });
      for (const conflict of conflicts) {
        if (conflict.own && expected.has(conflict[conflict.own].counter)) show(conflict);
      }
    },
  };
}
