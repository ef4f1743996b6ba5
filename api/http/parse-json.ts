/** JSON from outside, of requests and of messages: without keys that reach for a prototype, and not too deep to walk. */
import { parse } from 'secure-json-parse';
import { FieldError } from '../../shared/errors.ts';

/** What is valid is five deep. Beyond thousands, whoever walks it with recursion ends with its stack. */
const maxDepth = 32;

/** @throws FieldError `bad_request` */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new FieldError('bad_request', { detail: `The JSON is more than ${maxDepth} levels deep` });
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch (cause) {
    throw new FieldError('bad_request', { detail: 'This is not valid JSON, or has keys that are not taken', cause });
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openingBrackets: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closingBrackets: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Looks at brackets outside of strings, before anything is built. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === quote) index = findStringEnd(text, index);
    else if (openingBrackets.has(code)) depth += 1;
    else if (closingBrackets.has(code)) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

function findStringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
