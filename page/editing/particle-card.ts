/** The card of the selected particle: its text, resonance and motion, its connections, and who changed it last. */
import type { FieldEditor } from '../../client/editing/editor.ts';
import type { FieldView, Particle } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { pluralize, titleOf } from '../format.ts';
import type { Point } from '../viewport/geometry.ts';

/** Below this share of the window's height, a particle has its card above it. */
const lowerPart = 0.45;

export interface ParticleCardDeps {
  readonly editor: Pick<FieldEditor, 'putParticle' | 'setText' | 'removeParticle'>;
  readonly getState: () => FieldView;
  readonly canEdit: () => boolean;
  readonly nameOf: (device: string) => string;
  readonly announce: (text: string) => void;
  readonly onConnect: (id: string) => void;
  /** The position of a particle on the screen. */
  readonly locate: (id: string) => Point | undefined;
  /** The selection has changed, so that it must be drawn. */
  readonly onSelect: () => void;
}

export interface OpenOptions {
  readonly at?: Point | undefined;
  readonly hasFocus?: boolean;
}

export class ParticleCard {
  readonly #deps: ParticleCardDeps;
  readonly #card = byId('card', HTMLElement);
  readonly #text = byId('card-text', HTMLInputElement);
  readonly #resonance = byId('card-resonance', HTMLInputElement);
  readonly #motion = byId('card-motion', HTMLInputElement);
  #id: string | undefined;
  /** The text that the page has put into the input; a different one was typed by the user. */
  #shownText = '';

  constructor(deps: ParticleCardDeps) {
    this.#deps = deps;
    byId('card-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#saveText();
      this.close();
    });
    this.#text.addEventListener('change', () => this.#saveText());
    this.#resonance.addEventListener('change', () => this.#put({ resonance: this.#resonance.valueAsNumber }));
    this.#motion.addEventListener('change', () => this.#put({ velocity: { x: this.#motion.valueAsNumber, y: 0 } }));
    byId('card-close', HTMLButtonElement).addEventListener('click', () => this.close());
    byId('card-connect', HTMLButtonElement).addEventListener('click', () => {
      const id = this.#id;
      this.#saveText();
      this.close();
      if (id !== undefined) deps.onConnect(id);
    });
    byId('card-remove', HTMLButtonElement).addEventListener('click', () => {
      const { particle } = this;
      if (particle) deps.editor.removeParticle(particle.id);
      if (particle) deps.announce(`Removed ${titleOf(particle)}. Undo brings it back.`);
      this.close();
    });
    this.#card.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#showText(this.particle?.content ?? '');
      this.close();
    });
  }

  /** The selected particle; undefined if none is selected, or it no longer exists. */
  get particle(): Particle | undefined {
    return this.#deps.getState().memoryParticles.find(({ id }) => id === this.#id);
  }

  /** @param at the particle's position, if it was not drawn yet @param hasFocus whether the text gets the focus */
  open(id: string, { at = this.#deps.locate(id), hasFocus = false }: OpenOptions = {}): void {
    this.#saveText();
    this.#id = id;
    const { particle } = this;
    if (!particle) {
      this.close();
      return;
    }
    this.#showText(particle.content ?? '');
    // The card must not cover its particle.
    this.#card.classList.toggle('above', at !== undefined && at.y > innerHeight * lowerPart);
    this.#card.hidden = false;
    this.update();
    this.#deps.onSelect();
    if (hasFocus) this.#text.focus();
  }

  close(): void {
    const hadFocus = this.#card.contains(document.activeElement);
    this.#id = undefined;
    this.#card.hidden = true;
    this.#deps.onSelect();
    if (hadFocus) byId('field', HTMLElement).focus();
  }

  /** Shows changes by others, except in an input that has the focus. */
  update(): void {
    if (this.#id === undefined) return;
    const { particle } = this;
    if (!particle) {
      const { region } = this.#deps.getState();
      this.#deps.announce(region ? 'The selected particle is not in view any more' : 'The selected particle is gone');
      this.close();
      return;
    }
    const canEdit = this.#deps.canEdit();
    const { content = '', resonance, velocity, connections, crystallized, device } = particle;
    const isActive = (element: Element) => element === document.activeElement;
    if (!isActive(this.#text)) this.#showText(content);
    if (!isActive(this.#resonance)) this.#resonance.value = String(resonance);
    if (!isActive(this.#motion)) this.#motion.value = String(Math.hypot(velocity.x, velocity.y));
    for (const input of [this.#text, this.#resonance, this.#motion]) input.disabled = !canEdit;
    byId('card-actions', HTMLElement).hidden = !canEdit;
    const facts = [
      pluralize(connections.length, 'connection'),
      ...(crystallized ? ['crystallized'] : []),
      device ? `changed by ${this.#deps.nameOf(device)}` : 'changed by you',
    ];
    setText(byId('card-facts', HTMLElement), facts.join(' · '));
  }

  #put(attributes: Parameters<FieldEditor['putParticle']>[1]): void {
    if (this.particle && this.#deps.canEdit()) this.#deps.editor.putParticle(this.particle.id, attributes);
  }

  /** An input drops line breaks, so its text may differ from the particle's although nothing was typed. */
  #showText(text: string): void {
    this.#text.value = text;
    this.#shownText = this.#text.value;
  }

  #saveText(): void {
    const { particle } = this;
    if (!particle || !this.#deps.canEdit() || this.#text.value === this.#shownText) return;
    this.#shownText = this.#text.value;
    const text = this.#text.value.trim();
    if (text === (particle.content ?? '')) return;
    this.#deps.editor.setText(particle.id, text);
    this.#deps.announce(text ? `The particle is called ${text}` : 'The text was removed');
  }
}
