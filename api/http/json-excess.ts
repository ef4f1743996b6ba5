/**
 * Scans JSON text before it is parsed. A megabyte of different keys takes V8 a hundred times as long as a valid body of that
 * size, because each becomes an internal string and changes the shape of its object; deep nesting overflows the stack.
 */

/** Valid input has five levels. */
export const maxJsonDepth = 32;
/** Valid input has 64 at most, in a clock. Those slightly above it are left to the validation, which can name the place. */
export const maxKeys = 128;
/** Valid input has 900 at most, in a list of cells. */
export const maxItems = 1024;
/** Over all objects together: the names of properties, and the devices in clocks. */
export const maxDistinctKeys = 1000;
/** A megabyte of the smallest valid cells has 44,000 objects and 131,000 commas. */
export const maxContainers = 50_000;
export const maxCommas = 150_000;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** @returns the violation, as the end of a sentence; text that is not valid JSON is left to the parser */
export function findJsonExcess(text: string): string | undefined {
  const keys = new DistinctKeys(text);
  const isObject: boolean[] = [];
  const entries: number[] = [];
  let depth = 0;
  let containers = 0;
  let commas = 0;
  let stringStart = 0;
  let stringEnd = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      stringStart = index + 1;
      stringEnd = findStringEnd(text, index);
      index = stringEnd;
    } else if (code === openBrace || code === openBracket) {
      if (depth === maxJsonDepth) return `is more than ${maxJsonDepth} levels deep`;
      if (++containers > maxContainers) return `has more than ${maxContainers} objects and arrays`;
      isObject[depth] = code === openBrace;
      entries[depth] = 1;
      depth += 1;
    } else if (code === closeBrace || code === closeBracket) {
      if (depth > 0) depth -= 1;
    } else if (code === colon) {
      if (keys.add(stringStart, stringEnd) > maxDistinctKeys) return `has more than ${maxDistinctKeys} different keys`;
    } else if (code === comma && depth > 0) {
      if (++commas > maxCommas) return `has more than ${maxCommas} values`;
      const count = (entries[depth - 1] ?? 0) + 1;
      entries[depth - 1] = count;
      if (count > maxKeys && isObject[depth - 1]) return `has an object of more than ${maxKeys} keys`;
      if (count > maxItems) return `has an array of more than ${maxItems} items`;
    }
  }
  return undefined;
}

const slots = 256;

/** Counts different keys. Most keys of a body repeat, and a comparison with the text costs less than a copy of the key. */
class DistinctKeys {
  readonly #text: string;
  readonly #keys = new Set<string>();
  /** The last key of each length and first character. */
  readonly #recent: (string | undefined)[] = new Array(slots);

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns how many there are */
  add(start: number, end: number): number {
    const slot = ((end - start) * 31 + this.#text.charCodeAt(start)) % slots;
    const recent = this.#recent[slot];
    if (recent !== undefined && recent.length === end - start && this.#text.startsWith(recent, start))
      return this.#keys.size;
    const key = this.#text.slice(start, end);
    this.#recent[slot] = key;
    this.#keys.add(key);
    return this.#keys.size;
  }
}

function findStringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
