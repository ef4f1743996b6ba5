/**
 * Saves the server's state to the storage. The state is only a copy: it is stored in chunks, gives way to other values when space
 * is short, and counts as missing when any part of it cannot be read.
 */
import { isCursor } from '../../../shared/field/cursor.ts';
import { parseJson } from '../../parse-json.ts';
import { isRegion } from '../../state/region.ts';
import type { FieldView } from '../../types.ts';
import {
  isBoolean,
  isNatural,
  isNumber,
  isString,
  isVector,
  listOf,
  optional,
  recordOf,
  shape,
} from '../../updates/checks.ts';
import type { Storage } from '../storage.ts';
import type { StateCopy } from './persistence.ts';

/** In characters: at most 240,000 bytes of UTF-8. Android cannot read values of 2 MiB from AsyncStorage. */
const maxChunkLength = 80_000;
const maxChunks = 1000;
const saveIntervalMs = 5000;
/** Large states are saved less often: 20 characters for each ms in between. */
const charactersPerMs = 20;
/** How long nothing is saved after the state has made room for other values, or could not be stored. */
const pauseMs = 5 * 60_000;

const chunkKey = (index: number) => `state/${index}`;

/** The first line of the first chunk. */
interface Header {
  /** The first line of all other chunks, since they may be left over from another save. */
  readonly stamp: string;
  readonly count: number;
  /** The length of the state's text, since a torn chunk may leave valid JSON. */
  readonly length: number;
  readonly account?: string | undefined;
}

const isState = shape({
  field: isString,
  version: isNatural,
  cursor: (value) => isString(value) && isCursor(value),
  maxTimestamp: isNatural,
  globalResonance: isNumber,
  collectiveIntelligence: isNumber,
  room64Active: isBoolean,
  lastUpdate: isNatural,
  region: optional(isRegion),
  cells: recordOf(isNumber),
  memoryParticles: listOf(
    shape({
      id: isString,
      position: isVector,
      velocity: isVector,
      resonance: isNumber,
      crystallized: isBoolean,
      content: optional(isString),
      connections: listOf(isString),
      timestamp: isNatural,
      device: isString,
    }),
  ),
  quantumFields: listOf(
    shape({
      id: isString,
      strength: isNumber,
      coherence: isNumber,
      entanglement: isNumber,
      harmonics: listOf(isNumber),
      sacredGeometry: isBoolean,
      portalStability: isNumber,
      archaeologicalLayers: isNumber,
    }),
  ),
});

export interface StatePersisterDeps {
  readonly storage: Storage;
  readonly field: string;
  /** The account whose token reads the field. */
  readonly account: () => string | undefined;
  /** The stored state was unusable, and has been removed. */
  readonly onDamage: (key: string) => void;
  /** The state could not be stored. */
  readonly onProblem: (error: unknown) => void;
}

export class StatePersister implements StateCopy {
  readonly #deps: StatePersisterDeps;
  #saved: FieldView | undefined;
  #sinceSaveMs = Number.POSITIVE_INFINITY;
  #intervalMs = saveIntervalMs;
  #isPaused = false;
  /** How many chunks the storage may contain. */
  #chunkCount = 0;
  #saving: Promise<void> = Promise.resolve();

  constructor(deps: StatePersisterDeps) {
    this.#deps = deps;
  }

  async load(): Promise<FieldView | undefined> {
    const { account, onDamage } = this.#deps;
    try {
      const loaded = await this.#read();
      if (loaded?.header.account !== account()) return undefined;
      this.#saved = loaded?.view;
      return this.#saved;
    } catch {
      onDamage(chunkKey(0));
      await this.#removeAll();
      return undefined;
    }
  }

  saveThrottled(view: FieldView, elapsedMs: number): void {
    this.#sinceSaveMs += elapsedMs;
    if (this.#sinceSaveMs < (this.#isPaused ? pauseMs : this.#intervalMs)) return;
    this.#isPaused = false;
    void this.save(view);
  }

  save(view: FieldView): Promise<void> {
    if (view === this.#saved || this.#isPaused) return this.#saving;
    this.#saved = view;
    this.#sinceSaveMs = 0;
    this.#saving = this.#saving
      .then(() => this.#write(view))
      .catch(async (error) => {
        this.#deps.onProblem(error);
        this.#pause();
        await this.#removeAll();
      });
    return this.#saving;
  }

  /** Removes the stored state, and saves none for a while. Never rejects. */
  async makeRoom(): Promise<void> {
    this.#pause();
    await this.#saving;
    await this.#removeAll();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#saved = undefined;
    this.#sinceSaveMs = 0;
  }

  /** @throws Error when a part is missing, or is not what was written */
  async #read(): Promise<{ view: FieldView; header: Partial<Header> } | undefined> {
    const { storage, field } = this.#deps;
    const first = await storage.get(chunkKey(0));
    if (first === null) return undefined;
    const header = parseJson<Header>(first.slice(0, first.indexOf('\n'))) ?? {};
    const { count = 0, stamp } = header;
    if (!isNatural(count) || count > maxChunks) throw new Error('The number of chunks is wrong.');
    this.#chunkCount = count;
    const others = await Promise.all(Array.from({ length: count - 1 }, (_, index) => storage.get(chunkKey(index + 1))));
    const texts = [first, ...others].map((text, index) => {
      const start = (text?.indexOf('\n') ?? -1) + 1;
      if (!text || start === 0 || (index > 0 && text.slice(0, start - 1) !== stamp))
        throw new Error('A chunk is missing.');
      return text.slice(start);
    });
    const text = texts.join('');
    const view: unknown = parseJson(text);
    if (text.length !== header.length || !isState(view) || (view as FieldView).field !== field)
      throw new Error('The value is not a state of the field.');
    return { view: view as FieldView, header };
  }

  async #write(view: FieldView): Promise<void> {
    const { storage, account } = this.#deps;
    const text = JSON.stringify(view);
    const chunks = splitText(text);
    const formerCount = this.#chunkCount;
    this.#chunkCount = Math.max(formerCount, chunks.length);
    this.#intervalMs = saveIntervalMs + text.length / charactersPerMs;
    const stamp = `${view.cursor} ${Date.now()}`;
    const header = { stamp, count: chunks.length, length: text.length, account: account() } satisfies Header;
    const write = (chunk: string, index: number) =>
      storage.set(chunkKey(index), `${index === 0 ? JSON.stringify(header) : stamp}\n${chunk}`);
    await Promise.all(chunks.map(write));
    for (let index = chunks.length; index < formerCount; index += 1) await storage.remove(chunkKey(index));
    this.#chunkCount = chunks.length;
  }

  async #removeAll(): Promise<void> {
    const { storage } = this.#deps;
    const isStored = async (index: number) => (await storage.get(chunkKey(index)).catch(() => '')) !== null;
    try {
      for (let index = 0; index < maxChunks; index += 1) {
        if (index >= this.#chunkCount && !(await isStored(index))) break;
        await storage.remove(chunkKey(index));
      }
      this.#chunkCount = 0;
    } catch {
      // What could not be removed is overwritten by the next save.
    }
  }
}

/** UTF-8 cannot represent half of a surrogate pair, so that none is split. */
function splitText(text: string): string[] {
  const chunks: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    const isPairSplit = (text.charCodeAt(start + maxChunkLength - 1) & 0xfc00) === 0xd800;
    end = start + maxChunkLength - (isPairSplit ? 1 : 0);
    chunks.push(text.slice(start, end));
  }
  return chunks;
}
