/**
 * Escapes what could move the cursor, reorder a line or forge one: text from files, fields and servers may contain control
 * characters (C0, C1) and marks that change the direction of text.
 */

const controls = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** Text of several lines: line breaks stay. */
export function escapeControlChars(text: string): string {
  return text.replace(controls, (character) => (character === '\n' ? character : escapeCharacter(character)));
}

/** Text that must stay within its line. */
export function escapeLine(text: string): string {
  return text.replace(controls, escapeCharacter);
}

/** A colour sequence, as `styleText` writes it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it starts with an escape character
const colour = /^\u001b\[\d{1,2}m/;

/** Escapes printed lines, which may have colours and may contain text that was not escaped before. */
export function escapeOutput(text: string): string {
  return text.replace(controls, (character, index: number) => {
    if (character === '\n' || colour.test(text.slice(index, index + 6))) return character;
    return escapeCharacter(character);
  });
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
