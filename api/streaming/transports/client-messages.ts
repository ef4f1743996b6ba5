/** Parses and validates the messages that clients send over a WebSocket. */
import { toInputErrors } from '../../../shared/contract/problem.ts';
import { type ClientMessage, createClientMessageSchema } from '../../../shared/contract/stream.ts';
import { FieldError } from '../../../shared/errors.ts';
import { parseJson } from '../../http/parse-json.ts';

/** @throws FieldError `bad_request` or `invalid_input` */
export type ParseClientMessage = (text: string) => ClientMessage;

export function createClientMessageParser(gridSize: number): ParseClientMessage {
  const schema = createClientMessageSchema(gridSize);
  return (text) => {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new FieldError('invalid_input', { errors: toInputErrors(parsed.error) });
  };
}
