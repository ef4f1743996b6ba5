import type { FieldId } from '../../../../shared/field/ids.ts';
import type { Region } from '../../../../shared/field/math/region.ts';

/** The field, and what follows it. */
export function parseUrl(url: string): { field: FieldId; path: string } {
  const [, field = '', path = ''] = /\/api\/fields\/([^/?]+)(.*)$/.exec(url) ?? [];
  return { field: field as FieldId, path };
}

/** @param text the query's `region`; null for the whole field */
export function parseRegion(text: string | null): Region | undefined {
  if (text === null) return undefined;
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = text.split(',').map(Number);
  return { x0, y0, x1, y1 };
}
