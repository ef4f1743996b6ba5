/** Connects all ways to edit, such as the tools and the card of a particle, to one editor, so that they share its undo history. */
import { createEditor, type FieldEditor } from '../../client/editing/editor.ts';
import type { FieldClient, FieldView } from '../../client/types.ts';
import type { EventType } from '../../shared/field/update.ts';
import type { FieldCanvas } from '../canvas/field-canvas.ts';
import type { People } from '../identity/people.ts';
import { Tools } from '../input/tools.ts';
import { loadPart } from '../load-part.ts';
import type { LiveRegion } from '../panels/live-region.ts';
import type { Viewport } from '../viewport/viewport.ts';
import { Connecting } from './connecting.ts';
import { addEventButtons } from './event-buttons.ts';
import { MovePreview } from './move-preview.ts';
import type { OpenOptions, ParticleCard } from './particle-card.ts';
import { createSelectionRing } from './selection-ring.ts';
import { startUndo } from './undo-buttons.ts';

export interface EditingToolsDeps {
  readonly client: FieldClient;
  readonly fieldCanvas: FieldCanvas;
  readonly viewport: Viewport;
  readonly gridSize: number;
  readonly people: People;
  readonly liveRegion: LiveRegion;
  /** Shows the effect of an action. */
  readonly showEffect: (text: string) => void;
  /** The state on display. */
  readonly getState: () => FieldView;
  readonly canEdit: () => boolean;
  /** Called when the next frame has to show a change. */
  readonly onChange: () => void;
}

export interface EditingTools {
  readonly editor: FieldEditor;
  readonly tools: Tools;
  readonly preview: MovePreview;
  /** Moves elements that follow a particle on the screen. To be called for each frame. */
  draw(): void;
  openCard(id: string, options?: OpenOptions): void;
  /** Cancels an action that was begun and not finished. */
  cancel(): void;
  /** To be called when the state may have changed. */
  update(): void;
}

export function createEditingTools(deps: EditingToolsDeps): EditingTools {
  const { client, fieldCanvas, viewport, gridSize, people, liveRegion, getState, canEdit, showEffect, onChange } = deps;
  const editor = createEditor(client);
  const announce = (text: string) => liveRegion.announce(text);
  const preview = new MovePreview(viewport, onChange);
  const connecting = new Connecting({ editor, getState, canEdit, announce });
  const onConnect = (id: string) => (connecting.from === undefined ? connecting.begin(id) : connecting.finish(id));
  const nameOf = (device: string) => people.nameOf(device);
  const locate = (id: string) => fieldCanvas.findOnScreen(id);
  let card: ParticleCard | undefined;
  let cardLoad: Promise<void> | undefined;
  const openCard = async (id: string, options?: OpenOptions) => {
    cardLoad ??= loadPart(() => import('./particle-card.ts')).then((part) => {
      card =
        part &&
        new part.ParticleCard({ editor, getState, canEdit, nameOf, announce, onConnect, locate, onSelect: onChange });
    });
    await cardLoad;
    card?.open(id, options);
  };
  // Where there is a keyboard, a new particle can be named at once.
  const hasKeyboard = matchMedia('(hover: hover) and (pointer: fine)');
  const tools = new Tools({
    fieldCanvas,
    editor,
    gridSize,
    onAdd: (id, point) => void openCard(id, { at: point, hasFocus: hasKeyboard.matches }),
    onPress: (id) => (connecting.from === undefined ? void openCard(id) : connecting.finish(id)),
    onConnect,
    onEmptyPress() {
      if (connecting.from === undefined) return false;
      connecting.cancel();
      return true;
    },
    onMove: (id, position) => preview.move(id, position),
  });
  addEventButtons(async (type: EventType) => {
    if (!canEdit()) return;
    const { intensity } = tools;
    const before = client.state;
    client.emit(type, intensity);
    const after = client.state;
    fieldCanvas.ripple('event', 'field');
    const effect = (await loadPart(() => import('../help/event-effect.ts')))?.describeEffect(
      type,
      intensity,
      before,
      after,
    );
    if (effect === undefined) return;
    showEffect(effect);
    announce(effect);
  });
  const showUndo = startUndo({ editor, canEdit, announce, isPartial: () => client.state.region !== undefined });
  const moveRing = createSelectionRing();
  return {
    editor,
    tools,
    openCard: (id, options) => void openCard(id, options),
    preview,
    cancel: () => connecting.cancel(),
    draw: () => moveRing(card?.particle && fieldCanvas.findOnScreen(card.particle.id)),
    update() {
      card?.update();
      showUndo();
    },
  };
}
