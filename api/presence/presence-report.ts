/**
 * A report of one process to the others about the devices of a field, as a message of the field's presence channel:
 * `<sequence> <count>`, and then lines, each of which is one of
 *
 * | line | meaning |
 * |---|---|
 * | `+<json>` | the device is present and shows this |
 * | `=<ms> <id>` | the device was last heard this many ms ago |
 * | `-<id>` | the device has left |
 *
 * Sequence numbers are counted per field over all processes, so that a lost message is detected.
 */
import { isDevice, parseShownDevice, type ShownDevice } from './shown-device.ts';

export interface PresenceReport {
  readonly shown: readonly ShownDevice[];
  readonly heard: readonly { readonly id: string; readonly agoMs: number }[];
  readonly gone: readonly string[];
}

export interface NumberedReport extends PresenceReport {
  readonly sequence: number;
  /** How many devices of the field are present, over all processes. */
  readonly count: number;
}

/** The longest line is that of a device with all of its data, with every character escaped. */
const maxLineLength = 8192;

/** @returns undefined for anything that is not a report. Malformed lines are left out. */
export function parseReport(message: string): NumberedReport | undefined {
  const [head = '', ...lines] = message.split('\n');
  const [, sequence, count] = /^(\d{1,15}) (\d{1,15})$/.exec(head) ?? [];
  if (sequence === undefined || count === undefined) return undefined;
  const shown: ShownDevice[] = [];
  const heard: { id: string; agoMs: number }[] = [];
  const gone: string[] = [];
  for (const line of lines) {
    if (line.length > maxLineLength) continue;
    const rest = line.slice(1);
    if (line.startsWith('+')) shown.push(...asList(parseShownDevice(rest)));
    else if (line.startsWith('=')) heard.push(...asList(parseHeard(rest)));
    else if (line.startsWith('-')) gone.push(rest);
  }
  return { sequence: Number(sequence), count: Number(count), shown, heard, gone };
}

function parseHeard(text: string): { id: string; agoMs: number } | undefined {
  const [, agoMs, id] = /^(\d{1,9}) (.{1,300})$/su.exec(text) ?? [];
  if (agoMs === undefined || id === undefined || (!isDevice(id) && !id.startsWith('@'))) return undefined;
  return { id, agoMs: Number(agoMs) };
}

function asList<Item>(item: Item | undefined): Item[] {
  return item === undefined ? [] : [item];
}
