/**
 * Parses untrusted JSON of requests and messages: refuses keys that could pollute prototypes, and whatever would take the
 * parser much longer than a valid body of the same size.
 */
import { parse } from 'secure-json-parse';
import { FieldError } from '../../shared/errors.ts';
import { findJsonExcess } from './json-excess.ts';

/** @throws FieldError `bad_request` */
export function parseJson(text: string): unknown {
  const excess = findJsonExcess(text);
  if (excess) throw new FieldError('bad_request', { detail: `The JSON ${excess}` });
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch (cause) {
    throw new FieldError('bad_request', {
      detail: 'This is not valid JSON, or has the forbidden key __proto__ or constructor',
      cause,
    });
  }
}
