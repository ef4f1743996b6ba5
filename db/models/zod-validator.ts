/** Lets Objection validate models with zod, as the rest of the project does, instead of with JSON Schema. */
import { Validator, type ValidatorArgs } from 'objection';
import type { z } from 'zod';

export class ZodValidator extends Validator {
  readonly #schema: z.ZodObject | undefined;

  constructor(schema: z.ZodObject | undefined) {
    super();
    this.#schema = schema;
  }

  /** @throws z.ZodError when a column is missing, unknown or invalid; a patch may leave columns out */
  override validate({ json, options }: ValidatorArgs): ValidatorArgs['json'] {
    if (!this.#schema || options.skipValidation) return json;
    return (options.patch ? this.#schema.partial() : this.#schema).parse(json);
  }
}
