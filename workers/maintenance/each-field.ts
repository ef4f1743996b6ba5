/** Runs maintenance field by field: one that fails, for example because its log is damaged, does not affect the others. */
import { isTransient } from '../../db/transient-errors.ts';
import type { FieldId } from '../../shared/field/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';

/** @throws the first error, after all fields have been processed; a transient one at once, since it concerns all of them */
export async function eachField(
  fields: readonly FieldId[],
  log: Logger,
  work: (field: FieldId) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  for (const field of fields) {
    try {
      await work(field);
    } catch (err) {
      if (isTransient(err)) throw err;
      errors.push(err);
      log.warn({ err, field }, 'maintenance of a field failed');
    }
  }
  if (errors.length > 0) throw errors[0];
}
