import type { FieldId } from '../../../../shared/field/ids.ts';

/** The field, and what follows it. */
export function parseUrl(url: string): { field: FieldId; path: string } {
  const [, field = '', path = ''] = /\/api\/fields\/([^/?]+)(.*)$/.exec(url) ?? [];
  return { field: field as FieldId, path };
}
