/**
 * Records which edits of each tab have been stored, by number, so that none is added twice, even if a tab that was suspended before
 * the acknowledgement sends it again hours later.
 */
import { parseJson } from '../parse-json.ts';
import { isNatural, listOf, recordOf, shape } from '../updates/checks.ts';

interface Numbers {
  /** This number and all before. */
  upTo: number;
  /** Stored numbers above `upTo`. */
  beyond: Set<number>;
}

/** How many tabs are kept. Older ones are closed, and their unsent edits were adopted. */
const maxTabs = 200;

const isStoredForm = recordOf(shape({ upTo: isNatural, beyond: listOf(isNatural) }));

export class StoredEdits {
  readonly #tabs = new Map<string, Numbers>();

  has(key: string): boolean {
    const [tab, number] = splitKey(key);
    const numbers = this.#tabs.get(tab);
    return numbers !== undefined && (number <= numbers.upTo || numbers.beyond.has(number));
  }

  /** @param key ignored unless a tab assigned it */
  add(key: string): void {
    const [tab, number] = splitKey(key);
    if (!isNatural(number)) return;
    const numbers = this.#tabs.get(tab) ?? { upTo: 0, beyond: new Set() };
    // The tabs are in the order of their last use.
    this.#tabs.delete(tab);
    this.#tabs.set(tab, numbers);
    if (number > numbers.upTo) numbers.beyond.add(number);
    while (numbers.beyond.delete(numbers.upTo + 1)) numbers.upTo += 1;
    const [oldest] = this.#tabs.keys();
    if (this.#tabs.size > maxTabs && oldest !== undefined) this.#tabs.delete(oldest);
  }

  /** Adds the edits that a leader has stored as text. Damaged text counts as missing. */
  addText(text: string | null): void {
    const value: unknown = parseJson(text);
    if (!isStoredForm(value)) return;
    for (const [tab, { upTo, beyond }] of Object.entries(value as Record<string, { upTo: number; beyond: number[] }>)) {
      const numbers = this.#tabs.get(tab) ?? { upTo: 0, beyond: new Set() };
      this.#tabs.set(tab, numbers);
      numbers.upTo = Math.max(numbers.upTo, upTo);
      for (const number of beyond) this.add(`${tab}.${number}`);
    }
  }

  toText(): string {
    const tabs = [...this.#tabs].map(([tab, { upTo, beyond }]) => [tab, { upTo, beyond: [...beyond] }] as const);
    return JSON.stringify(Object.fromEntries(tabs));
  }
}

function splitKey(key: string): [tab: string, number: number] {
  const [tab = '', number] = key.split('.');
  return [tab, Number(number)];
}
