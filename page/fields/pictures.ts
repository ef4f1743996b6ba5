/**
 * The small pictures of fields. Reads a few states at a time, only of fields that are in view and have changed, and only up to a
 * number of bytes, since a field may have four megabytes.
 */
import type { FieldClient } from '../../client/types.ts';
import { requestApi } from '../sharing/api.ts';
import { drawPicture, type PicturedState } from './draw-picture.ts';

const maxBytes = 512 * 1024;
const maxConcurrent = 2;

export interface Pictured {
  readonly field: string;
  readonly canvas: HTMLCanvasElement;
  count(state: PicturedState): void;
}

interface Picture {
  isVisible: boolean;
  /** The cursor in the list; `drawn` is that of the state that is drawn. */
  cursor: string | undefined;
  drawn: string | undefined;
  state: PicturedState | undefined;
}

export class Pictures {
  readonly #client: FieldClient;
  readonly #pictures = new Map<Pictured, Picture>();
  readonly #abort = new AbortController();
  #running = 0;

  constructor(client: FieldClient) {
    this.#client = client;
  }

  /** @param cursor that of the field's current state; undefined if it is unknown */
  set(card: Pictured, cursor: string | undefined): void {
    const picture = this.#pictures.get(card) ?? { isVisible: false, cursor, drawn: undefined, state: undefined };
    picture.cursor = cursor;
    this.#pictures.set(card, picture);
    this.#readNext();
  }

  show(card: Pictured, isVisible: boolean): void {
    const picture = this.#pictures.get(card);
    if (!picture) return;
    picture.isVisible = isVisible;
    this.#readNext();
  }

  /** To be called after a change of the color theme. */
  redraw(): void {
    for (const [{ canvas }, { state }] of this.#pictures) if (state) drawPicture(canvas, state);
  }

  close(): void {
    this.#abort.abort();
    this.#pictures.clear();
  }

  #readNext(): void {
    for (const [card, picture] of this.#pictures) {
      if (this.#running >= maxConcurrent) return;
      const wanted = picture.cursor ?? 'unknown';
      if (!picture.isVisible || picture.drawn === wanted) continue;
      picture.drawn = wanted;
      this.#running += 1;
      void this.#read(card, picture);
    }
  }

  async #read(card: Pictured, picture: Picture): Promise<void> {
    try {
      picture.state = await readState(this.#client, card.field, this.#abort.signal);
      drawPicture(card.canvas, picture.state);
      card.count(picture.state);
      card.canvas.dataset.picture = 'drawn';
    } catch {
      // Too large, empty, or not readable at the moment. The next change of the field is another attempt.
      card.canvas.dataset.picture ??= 'none';
    } finally {
      this.#running -= 1;
      if (!this.#abort.signal.aborted) this.#readNext();
    }
  }
}

/** @throws when the field is larger than `maxBytes`, or cannot be read */
async function readState(client: FieldClient, field: string, signal: AbortSignal): Promise<PicturedState> {
  const { body } = await requestApi(client, `fields/${field}`, { signal });
  if (!body) throw new Error('The answer is empty');
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return JSON.parse(text) as PicturedState;
    bytes += value.length;
    if (bytes > maxBytes) {
      void reader.cancel();
      throw new Error('The field is too large for a small picture');
    }
    text += decoder.decode(value, { stream: true });
  }
}
