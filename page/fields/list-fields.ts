/** The fields that this page's token may read, as the server lists them. */
import type { FieldClient } from '../../client/types.ts';
import { requestApi } from '../sharing/api.ts';

export interface FieldSummary {
  readonly field: string;
  readonly cursor: string;
  readonly particles: number;
  readonly cells: number;
  readonly devices: number;
  /** In ms. */
  readonly lastUpdate: number;
}

interface FieldsPage {
  readonly fields: readonly FieldSummary[];
  readonly next?: string;
}

/** Small, since the server counts the particles of each listed field. */
const pageSize = 24;

/** The first pages of the list, and whether there are more. @throws Error with the server's explanation */
export async function listFields(
  client: FieldClient,
  pageCount: number,
): Promise<{ readonly fields: readonly FieldSummary[]; readonly hasMore: boolean }> {
  const fields: FieldSummary[] = [];
  let next: string | undefined;
  for (let page = 0; page < pageCount; page += 1) {
    const after = next === undefined ? '' : `&after=${next}`;
    const listed = (await (await requestApi(client, `fields?limit=${pageSize}${after}`)).json()) as FieldsPage;
    fields.push(...listed.fields);
    next = listed.next;
    if (next === undefined) break;
  }
  return { fields, hasMore: next !== undefined };
}
