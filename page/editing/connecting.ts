/** Connects two particles in both directions, since entanglement counts only mutual connections. */
import type { FieldEditor } from '../../client/editing/editor.ts';
import type { FieldView, Particle } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { titleOf } from '../format.ts';

export interface ConnectingDeps {
  readonly editor: Pick<FieldEditor, 'putParticle' | 'beginStep'>;
  readonly getState: () => FieldView;
  readonly canEdit: () => boolean;
  readonly announce: (text: string) => void;
}

export class Connecting {
  readonly #deps: ConnectingDeps;
  readonly #hint = byId('connect-hint', HTMLElement);
  #from: string | undefined;

  constructor(deps: ConnectingDeps) {
    this.#deps = deps;
    byId('connect-cancel', HTMLButtonElement).addEventListener('click', () => this.cancel());
    addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.cancel();
    });
  }

  /** The particle to connect, while the user chooses another one. */
  get from(): string | undefined {
    return this.#from;
  }

  begin(id: string): void {
    const particle = this.#find(id);
    if (!particle) return;
    this.#from = id;
    this.#hint.hidden = false;
    // Particles can be pressed only with this tool.
    const tool = document.querySelector('input[name=mode][value=particle]');
    if (tool instanceof HTMLInputElement) tool.checked = true;
    const text = `Press the particle to connect with ${titleOf(particle)}`;
    setText(byId('connect-text', HTMLElement), text);
    this.#deps.announce(text);
  }

  cancel(): void {
    this.#from = undefined;
    this.#hint.hidden = true;
  }

  /** Connects the chosen particle with another one, or separates them if they are connected. */
  finish(id: string): void {
    const [a, b] = [this.#find(this.#from), this.#find(id)];
    this.cancel();
    // A past state must not be the basis of a change.
    if (!this.#deps.canEdit()) return;
    if (!a || !b) {
      this.#deps.announce('Both particles have to be in view. Zoom out, and connect them again.');
      return;
    }
    if (a.id === b.id) return;
    const isConnected = a.connections.includes(b.id) && b.connections.includes(a.id);
    const { editor, announce } = this.#deps;
    const endStep = editor.beginStep();
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const others = one.connections.filter((connection) => connection !== other.id);
      editor.putParticle(one.id, { connections: isConnected ? others : [...others, other.id] });
    }
    endStep();
    announce(`${titleOf(a)} and ${titleOf(b)} are ${isConnected ? 'separated' : 'connected'}`);
  }

  #find(id: string | undefined): Particle | undefined {
    return this.#deps.getState().memoryParticles.find((particle) => particle.id === id);
  }
}
