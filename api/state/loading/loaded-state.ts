/** A whole state as reads and streams use it: in fragments, and as the JSON that clients receive. */
import type { StateFragments } from '../../../shared/cache/state-fragments.ts';
import { serializeState } from '../../../shared/cache/state-serializer.ts';
import type { Cursor } from '../../../shared/field/cursor.ts';

export interface LoadedState {
  readonly version: number;
  readonly cursor: Cursor;
  readonly fragments: StateFragments;
  /** JSON in UTF-8. */
  readonly serialized: Buffer;
}

export function toLoadedState(fragments: StateFragments): LoadedState {
  const { version, cursor } = fragments;
  return { version, cursor, fragments, serialized: serializeState(fragments) };
}

/** Bytes: the JSON, and about as much for its fragments. */
export function estimateStateSize({ serialized }: LoadedState): number {
  return 2 * serialized.length + 1000;
}
