/**
 * Finds, without the schema, what would make it collect thousands of issues in an update: too many entries, and wrong cells. A
 * schema visits everything before it answers, and creates an issue for each wrong entry.
 */
import type { z } from 'zod';
import { maxInputErrors, toInputErrors } from '../../shared/contract/problem.ts';
import { maxCellsPerUpdate, maxClockEntries, maxConnections } from '../../shared/contract/wire.ts';
import type { InputError } from '../../shared/errors.ts';

/** An update has at most 11 keys, and a vector or a cell three. */
const maxUpdateKeys = 16;
const maxVectorKeys = 4;

interface FindExcessOptions {
  readonly gridSize: number;
  readonly cellSchema: z.ZodType;
}

/** @returns at most `maxInputErrors` errors, with paths below `path`; none if the schema can validate the update cheaply */
export function findExcess(update: unknown, path: string, options: FindExcessOptions): InputError[] {
  if (!isRecord(update)) return [];
  if (hasMoreKeys(update, maxUpdateKeys)) return [{ path, message: `has more than ${maxUpdateKeys} keys` }];
  const { cells, connections, clock, position, velocity } = update;
  const errors: InputError[] = [];
  const report = (isExceeded: boolean, key: string, message: string) => {
    if (isExceeded) errors.push({ path: `${path}/${key}`, message });
  };
  report(hasMoreItems(cells, maxCellsPerUpdate), 'cells', `has more than ${maxCellsPerUpdate} cells`);
  report(hasMoreItems(connections, maxConnections), 'connections', `has more than ${maxConnections} ids`);
  report(hasMoreEntries(clock, maxClockEntries), 'clock', `has more than ${maxClockEntries} entries`);
  report(hasMoreEntries(position, maxVectorKeys), 'position', `has more than ${maxVectorKeys} keys`);
  report(hasMoreEntries(velocity, maxVectorKeys), 'velocity', `has more than ${maxVectorKeys} keys`);
  if (errors.length > 0 || !Array.isArray(cells)) return errors;
  return findWrongCells(cells, `${path}/cells`, options);
}

function findWrongCells(cells: readonly unknown[], path: string, options: FindExcessOptions): InputError[] {
  const errors: InputError[] = [];
  for (const [index, cell] of cells.entries()) {
    if (isCell(cell, options.gridSize)) continue;
    const parsed = options.cellSchema.safeParse(cell);
    if (parsed.success) continue;
    errors.push(...toInputErrors(parsed.error, `${path}/${index}`));
    if (errors.length >= maxInputErrors) break;
  }
  return errors.slice(0, maxInputErrors);
}

/** Whether the schema of cells accepts it. */
function isCell(cell: unknown, gridSize: number): boolean {
  if (!isRecord(cell) || hasMoreKeys(cell, 3)) return false;
  const { x, y, value } = cell;
  return isCoordinate(x, gridSize) && isCoordinate(y, gridSize) && isNumber(value) && value >= 0 && value <= 1;
}

function isCoordinate(value: unknown, gridSize: number): boolean {
  return isNumber(value) && Number.isInteger(value) && value >= 0 && value < gridSize;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasMoreItems(value: unknown, limit: number): boolean {
  return Array.isArray(value) && value.length > limit;
}

function hasMoreEntries(value: unknown, limit: number): boolean {
  return isRecord(value) && hasMoreKeys(value, limit);
}

function hasMoreKeys(value: object, limit: number): boolean {
  let count = 0;
  for (const _ in value) if (++count > limit) return true;
  return false;
}
