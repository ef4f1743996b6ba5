/**
 * Parses untrusted JSON of requests and messages: refuses keys that could pollute prototypes, and whatever would take the
 * parser much longer than a valid body of the same size.
 */
import { parse } from 'secure-json-parse';
import { FieldError } from '../../shared/errors.ts';
import { TimeSlice } from '../validation/time-slice.ts';
import { findJsonExcess } from './json-excess.ts';

/** Yields to the event loop after parsing a large text, before the caller continues. @throws FieldError `bad_request` */
export async function parseJson(text: string): Promise<unknown> {
  const slice = new TimeSlice();
  const value = parseInOneTurn(text);
  await slice.yieldIfUsedUp();
  return value;
}

function parseInOneTurn(text: string): unknown {
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
