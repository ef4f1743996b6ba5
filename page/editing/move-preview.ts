/** Shows a dragged particle at its new position. Others see it there only once it is put down. */
import type { FieldView } from '../../client/types.ts';
import type { Point } from '../viewport/geometry.ts';
import type { Viewport } from '../viewport/viewport.ts';

export class MovePreview {
  readonly #viewport: Pick<Viewport, 'extent'>;
  readonly #onChange: () => void;
  #moved: { readonly id: string; readonly position: Point } | undefined;

  constructor(viewport: Pick<Viewport, 'extent'>, onChange: () => void) {
    this.#viewport = viewport;
    this.#onChange = onChange;
  }

  /** @param position undefined when the drag has ended */
  move(id: string, position: Point | undefined): void {
    // Beyond the extent, each movement would change the view, and the view the position.
    const { left, right, bottom, top } = this.#viewport.extent;
    this.#moved = position && {
      id,
      position: {
        x: Math.min(right, Math.max(left, position.x)),
        y: Math.min(top, Math.max(bottom, position.y)),
      },
    };
    this.#onChange();
  }

  /** The state with the dragged particle at its new position. */
  applyTo(state: FieldView): FieldView {
    const moved = this.#moved;
    if (!moved) return state;
    const memoryParticles = state.memoryParticles.map((particle) =>
      particle.id === moved.id ? { ...particle, position: { ...particle.position, ...moved.position } } : particle,
    );
    return { ...state, memoryParticles };
  }
}
