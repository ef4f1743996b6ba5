/**
 * Keeps the server's state in the storage, now and then: an app that starts without a network shows what it last knew, and
 * its stream resumes from there.
 */
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

  /** Undefined when there is none, or none of this field. */
  async load(field: string): Promise<FieldView | undefined> {
    const text = await this.#storage.get(stateKey);
    // What is torn, or somebody else's, is no loss: the server has it all.
    const view = parseJson<FieldView>(text);
    return view?.field === field && Array.isArray(view.memoryParticles) ? (view as FieldView) : undefined;
  }

  /** To be called often: writes when the state is a new one, and the last writing is a while ago. */
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
