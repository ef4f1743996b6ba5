/** Parses untrusted JSON of requests and messages: refuses keys that could pollute prototypes, and deep nesting. */
import { parse } from 'secure-json-parse';
import { FieldError } from '../../shared/errors.ts';

/** Valid input has five levels. Recursion over thousands of levels would overflow the stack. */
const maxDepth = 32;

/** @throws FieldError `bad_request` */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new FieldError('bad_request', { detail: `The JSON is more than ${maxDepth} levels deep` });
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch (cause) {
    throw new FieldError('bad_request', {
      detail: 'This is not valid JSON, or has the forbidden key __proto__ or constructor',
      cause,
    });
  }
}

const quote = 0x22;
const backslash = 0x5c;
const openingBrackets: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closingBrackets: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Counts brackets outside of strings, before anything is parsed. */
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
