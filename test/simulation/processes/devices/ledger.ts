/** What devices have written and the results that they received: what the checker compares the log with. */
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import type { SentUpdate } from '../../../../shared/field/update.ts';
import { canonicalJson } from '../../../../shared/history/canonical-json.ts';

export interface Edit {
  readonly field: FieldId;
  readonly device: DeviceId;
  /** What it changes, without counter and causality. */
  readonly content: string;
  /** Whether the client knows that the server has accepted it. */
  isAccepted: boolean;
  /** Whether the client has received its result. */
  isSettled: boolean;
  /** The counter under which it was last accepted or settled. */
  counter: number;
  /** The version in the result that the client received. */
  appliedAt: number | undefined;
  /** Whether the device's storage was replaced by an older one that lacks it. */
  isForgotten: boolean;
  /** Nobody promises anything: the device died, or lost its storage, before it could store or send it. */
  mayBeLost: boolean;
}

/** An update that was put into the queue without a client, under a counter of its own choosing. */
export interface RawUpdate {
  readonly field: FieldId;
  readonly device: DeviceId;
  readonly update: SentUpdate;
}

export class Ledger {
  /** Of clients. */
  readonly edits: Edit[] = [];
  readonly rawUpdates: RawUpdate[] = [];
  /** The counters for which a device received `expired`, as `device counter`. */
  readonly expired = new Set<string>();

  /** Records the results that a device receives. */
  recordText(device: DeviceId, text: string): void {
    if (!text.includes('"expired"')) return;
    for (const [, counter] of text.matchAll(/"counter":(\d+),"outcome":"expired"/g))
      this.expired.add(`${device} ${counter}`);
  }

  recordEdit(field: FieldId, device: DeviceId, update: SentUpdate): Edit {
    const content = contentOf(update);
    const edit: Edit = {
      field,
      device,
      content,
      isAccepted: false,
      isSettled: false,
      counter: 0,
      appliedAt: undefined,
      isForgotten: false,
      mayBeLost: false,
    };
    this.edits.push(edit);
    return edit;
  }
}

/** What an update changes, in one text. */
export function contentOf(update: SentUpdate): string {
  const { counter, timestamp, seen, clock, ...content } = update;
  return canonicalJson(content);
}
