/** The base of all models: columns are snake_case in SQL and camelCase in code, converted in this one place. */
import { Model, snakeCaseMappers, type Validator } from 'objection';
import type { z } from 'zod';
import { ZodValidator } from './zod-validator.ts';

export abstract class Row extends Model {
  static override readonly columnNameMappers = snakeCaseMappers();
  /** Checks rows before they are inserted. Tables that only the hot statements write have none. */
  static readonly schema: z.ZodObject | undefined = undefined;

  static override createValidator(): Validator {
    // `this` is the model that the validator is for: Objection calls this method on each.
    // biome-ignore lint/complexity/noThisInStatic: it is not always Row.
    return new ZodValidator(this.schema);
  }
}
