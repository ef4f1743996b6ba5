/**
 * Saves the server's state to the storage, so that an app without a network starts with the last known state, and a stream
 * resumes from its version.
 */
import { isCursor } from '../../shared/field/cursor.ts';
import { parseJson } from '../parse-json.ts';
import type { Storage } from '../storage/storage.ts';
import type { FieldView } from '../types.ts';

const stateKey = 'state';
const saveIntervalMs = 5000;

export class StatePersister {
  readonly #storage: Storage;
  #saved: FieldView | undefined;
  #savedAt = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @returns undefined when no state of this field is stored */
  async load(field: string): Promise<FieldView | undefined> {
    const text = await this.#storage.get(stateKey);
    // A value that is torn or not a state is ignored: the server sends the whole state instead.
    const view = parseJson<FieldView>(text);
    const isState = view?.field === field && isCursor(view.cursor ?? '') && Array.isArray(view.memoryParticles);
    return isState ? (view as FieldView) : undefined;
  }

  /** Saves a changed state unless the last save is less than 5 seconds ago. */
  saveThrottled(view: FieldView, now: number): void {
    if (view !== this.#saved && Math.abs(now - this.#savedAt) >= saveIntervalMs) void this.save(view, now);
  }

  async save(view: FieldView, now: number): Promise<void> {
    if (view === this.#saved) return;
    this.#saved = view;
    this.#savedAt = now;
    await this.#storage.set(stateKey, JSON.stringify(view));
  }
}
