/**
 * The message on a field's channel: `<from> <to>\n<delta>`, with optional marks after the cursors: `erasure`, and `trace=` with the
 * traces of the requests. The cursors precede the delta so that a process can order messages, and forward them to its subscribers,
 * without parsing the delta's JSON.
 */
import { type Cursor, isCursor } from '../field/cursor.ts';

export interface ChangeMessage {
  /** The state that the delta applies to. */
  readonly from: Cursor;
  /** The state that it leads to; equal to `from` when it carries only outcomes of updates that changed nothing. */
  readonly to: Cursor;
  /** The delta message in JSON, as subscribers receive it. */
  readonly delta: string;
  /** Whether it is an erasure, after which earlier deltas must no longer be sent. */
  readonly isErasure?: boolean;
  /** The traces of the requests, as `traceparent` headers (W3C Trace Context). */
  readonly traceparents?: readonly string[];
}

const erasureMark = 'erasure';
const traceMark = 'trace=';

export function encodeChangeMessage({ from, to, delta, isErasure = false, traceparents = [] }: ChangeMessage): string {
  const traces = traceparents.length > 0 ? ` ${traceMark}${traceparents.join(',')}` : '';
  return `${from} ${to}${isErasure ? ` ${erasureMark}` : ''}${traces}\n${delta}`;
}

/** @throws Error when the message does not begin with two cursors */
export function parseChangeMessage(message: string): ChangeMessage {
  const end = message.indexOf('\n');
  const [from = '', to = '', ...marks] = message.slice(0, end).split(' ');
  if (!isCursor(from) || !isCursor(to)) throw new Error('a message on a field channel has no cursors');
  const traces = marks.find((mark) => mark.startsWith(traceMark));
  return {
    ...{ from, to, delta: message.slice(end + 1), isErasure: marks.includes(erasureMark) },
    ...(traces === undefined ? {} : { traceparents: traces.slice(traceMark.length).split(',') }),
  };
}
