/** Escapes control characters, with which text from files and fields could move the cursor and forge output. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are to be escaped
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Line breaks stay. */
export function escapeControlChars(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
