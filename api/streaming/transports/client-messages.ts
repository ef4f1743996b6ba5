/**
 * Parses and validates the messages that clients send over a WebSocket. A socket without write access may only send short
 * messages: anything longer is refused before it is parsed.
 */

import type { ClientMessage } from '../../../shared/contract/messages.ts';
import { toInputErrors } from '../../../shared/contract/problem.ts';
import { controlMessageSchema } from '../../../shared/contract/stream.ts';
import { maxTokenLength } from '../../../shared/contract/wire.ts';
import { FieldError } from '../../../shared/errors.ts';
import { parseJson } from '../../http/parse-json.ts';
import { createUpdatesBodyValidator } from '../../validation/validate-updates.ts';

/** The longest message without updates is a token; the rest is its JSON. */
const maxControlLength = maxTokenLength + 200;

/**
 * @param assertWriter throws if the socket cannot write; called before updates are parsed
 * @throws FieldError `bad_request`, `invalid_input`, or what `assertWriter` throws
 */
export type ParseClientMessage = (text: string, assertWriter: () => void) => Promise<ClientMessage>;

export function createClientMessageParser(gridSize: number): ParseClientMessage {
  const validateUpdates = createUpdatesBodyValidator(gridSize);
  return async (text, assertWriter) => {
    if (text.length > maxControlLength) assertWriter();
    const value = await parseJson(text);
    if (isUpdateMessage(value)) {
      assertWriter();
      const { type, ...body } = value;
      return { type, ...(await validateUpdates(body)) };
    }
    const parsed = controlMessageSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new FieldError('invalid_input', { errors: toInputErrors(parsed.error) });
  };
}

function isUpdateMessage(value: unknown): value is { type: 'update' } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'update';
}
