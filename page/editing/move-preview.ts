/** Shows a particle where it is dragged to, before it is put down. Others see it then. */
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
    // Beyond the extent, the view would change with each movement, and with it the position.
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

  /** The state with the particle where it is dragged to. */
  applyTo(state: FieldView): FieldView {
    const moved = this.#moved;
    if (!moved) return state;
    const memoryParticles = state.memoryParticles.map((particle) =>
      particle.id === moved.id ? { ...particle, position: { ...particle.position, ...moved.position } } : particle,
    );
    return { ...state, memoryParticles };
  }
}
