/**
 * A cursor of the change feed: the position up to which a reader has read it. It is opaque to readers. It names a range of the feed
 * by its position and a part of its id, and the version up to which the entries of that range were read.
 */
import { z } from 'zod';

declare const brand: unique symbol;
export type ChangeCursor = string & { readonly [brand]: 'ChangeCursor' };

/** A place in the feed. */
export interface ChangePlace {
  /** The position of the range; 0 before the first one. */
  readonly position: number;
  /** The first 12 hex digits of the range's id. */
  readonly rangeId: string;
  /** Entries of the range up to this version come before the place. */
  readonly version: number;
}

export const feedStart: ChangePlace = { position: 0, rangeId: '0'.repeat(12), version: 0 };

const pattern = /^c1-(\d{1,15})-([0-9a-f]{12})-(\d{1,15})$/;

export const changeCursorSchema = z
  .string()
  .regex(pattern, 'must be a cursor of the change feed')
  .transform((text) => text as ChangeCursor);

export function formatChangeCursor({ position, rangeId, version }: ChangePlace): ChangeCursor {
  return `c1-${position}-${rangeId}-${version}` as ChangeCursor;
}

export function parseChangeCursor(cursor: ChangeCursor): ChangePlace {
  const [, position, rangeId = '', version] = pattern.exec(cursor) ?? [];
  return { position: Number(position), rangeId, version: Number(version) };
}

/** Negative if `a` comes before `b` in the feed. */
export function comparePlaces(a: ChangePlace, b: ChangePlace): number {
  return a.position - b.position || a.version - b.version;
}
