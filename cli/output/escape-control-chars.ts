/** Text from files and fields as a terminal may see it: control characters would let it move the cursor and lie. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not pass
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Keeps line breaks. */
export function escapeControlChars(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
