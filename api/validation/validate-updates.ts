/**
 * Validates the updates of a request or a message at a bounded cost: update by update, in time slices, and only up to the
 * twentieth error.
 */
import { maxInputErrors, toInputErrors } from '../../shared/contract/problem.ts';
import { createCellSchema, createUpdateSchema } from '../../shared/contract/update.ts';
import { maxUpdatesPerRequest } from '../../shared/contract/wire.ts';
import { FieldError, type InputError } from '../../shared/errors.ts';
import type { SentUpdate } from '../../shared/field/update.ts';
import { findExcess } from './find-excess.ts';
import { TimeSlice } from './time-slice.ts';

/** Validates `{updates}`. @throws FieldError `invalid_input` */
export function createUpdatesBodyValidator(gridSize: number): (body: unknown) => Promise<{ updates: SentUpdate[] }> {
  const validate = createUpdatesValidator(gridSize);
  return async (body) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw toInvalidInput([{ path: '/', message: 'must be an object' }]);
    const { updates, ...rest } = body as { updates?: unknown };
    if (Object.keys(rest).length > 0) throw toInvalidInput([{ path: '/', message: 'has a key other than updates' }]);
    return { updates: await validate(updates) };
  };
}

/** @throws FieldError `invalid_input` with at most 20 errors */
type ValidateUpdates = (input: unknown) => Promise<SentUpdate[]>;

/** Accepts what `createUpdatesSchema` accepts. */
function createUpdatesValidator(gridSize: number): ValidateUpdates {
  const schema = createUpdateSchema(gridSize);
  const options = { gridSize, cellSchema: createCellSchema(gridSize) };

  const validateOne = (value: unknown, path: string, previous: SentUpdate | undefined): SentUpdate | InputError[] => {
    const excess = findExcess(value, path, options);
    if (excess.length > 0) return excess;
    const parsed = schema.safeParse(value);
    if (!parsed.success) return toInputErrors(parsed.error, path);
    if (previous && parsed.data.counter <= previous.counter)
      return [{ path: `${path}/counter`, message: 'counters must increase within a batch' }];
    return parsed.data;
  };

  return async (input) => {
    if (!Array.isArray(input) || input.length < 1 || input.length > maxUpdatesPerRequest)
      throw toInvalidInput([{ path: '/updates', message: `must be an array of 1 to ${maxUpdatesPerRequest} updates` }]);
    const slice = new TimeSlice();
    const updates: SentUpdate[] = [];
    const errors: InputError[] = [];
    for (const [index, value] of input.entries()) {
      const result = validateOne(value, `/updates/${index}`, updates.at(-1));
      if (!Array.isArray(result)) updates.push(result);
      else if (errors.push(...result) >= maxInputErrors) break;
      await slice.yieldIfUsedUp();
    }
    if (errors.length > 0) throw toInvalidInput(errors);
    return updates;
  };
}

function toInvalidInput(errors: readonly InputError[]): FieldError {
  return new FieldError('invalid_input', { errors: errors.slice(0, maxInputErrors) });
}
