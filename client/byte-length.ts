/** The length of a text in UTF-8, rounded up: not every phone has a TextEncoder. */
export function byteLength(text: string): number {
  let beyondAscii = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) beyondAscii += 1;
  return text.length + 2 * beyondAscii;
}
