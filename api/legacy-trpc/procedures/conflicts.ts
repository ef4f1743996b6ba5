/** The conflicts of a change, in the original's format, which has only numbers, that is, values of cells. */
import type { FieldReader } from '../../../db/read/field-reader.ts';
import type { FieldId } from '../../../shared/field/ids.ts';
import type { Applied } from '../../updates/wait-until-applied.ts';

export interface LegacyConflict {
  readonly cell: string;
  readonly local: number;
  readonly remote: number;
  readonly resolution: 'kept_local' | 'used_remote' | 'merged';
}

export async function readConflictsOf(
  applied: Applied | undefined,
  { reader, field }: { readonly reader: Pick<FieldReader, 'readConflicts'>; readonly field: FieldId },
): Promise<LegacyConflict[]> {
  const versions = applied?.results.flatMap(({ outcome, version }) => (outcome === 'conflict' ? [version] : [])) ?? [];
  if (versions.length === 0) return [];
  const page = await reader.readConflicts(field);
  return (page?.conflicts ?? []).flatMap(({ cell, local, remote, resolution, version }) =>
    versions.includes(version) && typeof local.value === 'number' && typeof remote.value === 'number'
      ? [{ cell, local: local.value, remote: remote.value, resolution }]
      : [],
  );
}
