/** The part of the field that a client watches. */
import type { Region } from '../../shared/field/math/region.ts';
import { regionKey } from '../../shared/field/math/region.ts';
import { type Check, isNumber, shape } from '../updates/checks.ts';

const isCoordinate: Check = (value) => isNumber(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
const isShape = shape({ x0: isCoordinate, y0: isCoordinate, x1: isCoordinate, y1: isCoordinate });

export function isRegion(value: unknown): value is Region {
  if (!isShape(value)) return false;
  const region = value as Region;
  return region.x0 < region.x1 && region.y0 < region.y1;
}

/** @returns a copy, since the app may change its object; undefined for the whole field. @throws TypeError */
export function toRegion(region: Region | null | undefined): Region | undefined {
  if (!region) return undefined;
  if (!isRegion(region)) throw new TypeError('Not a region {x0, y0, x1, y1}.');
  const { x0, y0, x1, y1 } = region;
  return { x0, y0, x1, y1 };
}

export function isSameRegion(a: Region | undefined, b: Region | undefined): boolean {
  return (a && regionKey(a)) === (b && regionKey(b));
}
