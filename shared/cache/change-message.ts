/**
 * The message on a field's channel: `<from> <to>\n<delta>`. The versions precede the delta so that a process can order
 * messages, and forward them to its subscribers, without parsing the delta's JSON.
 */

export interface ChangeMessage {
  /** The version that the delta applies to. */
  readonly from: number;
  /** The version that it leads to; equal to `from` when it carries only outcomes of updates that changed nothing. */
  readonly to: number;
  /** The delta message in JSON, as subscribers receive it. */
  readonly delta: string;
}

export function encodeChangeMessage({ from, to, delta }: ChangeMessage): string {
  return `${from} ${to}\n${delta}`;
}

/** @throws Error when the message does not begin with two versions */
export function parseChangeMessage(message: string): ChangeMessage {
  const end = message.indexOf('\n');
  const [from, to] = message.slice(0, end).split(' ').map(Number);
  if (from === undefined || to === undefined) throw new Error('a message on a field channel has no versions');
  return { from, to, delta: message.slice(end + 1) };
}
