/** Finds the cell that decides how small the grid may be. */
import type { Knex } from 'knex';
import type { FieldId } from '../../../shared/field/ids.ts';

export interface OutermostCell {
  readonly field: FieldId;
  readonly x: number;
  readonly y: number;
}

/** Searches the snapshots of the fields, and the log after them. Only an erasure removes a cell that was written once. */
const outermostSql = `
  WITH cells AS (
    SELECT field_id, (cell ->> 0)::int AS x, (cell ->> 1)::int AS y
    FROM consciousness_states, jsonb_array_elements(cells) AS cell
    UNION ALL
    SELECT field_id, (cell ->> 'x')::int, (cell ->> 'y')::int
    FROM consciousness_states AS state
      JOIN field_updates AS entry USING (field_id), jsonb_array_elements(entry.update -> 'cells') AS cell
    WHERE entry.version > state.snapshot_version AND entry.update ->> 'kind' = 'cells.set'
  )
  SELECT field_id AS field, x, y FROM cells ORDER BY greatest(x, y) DESC, field_id LIMIT 1`;

/** Undefined if no field has a cell. */
export async function findOutermostCell(db: Knex): Promise<OutermostCell | undefined> {
  const { rows } = await db.raw<{ rows: OutermostCell[] }>(outermostSql);
  return rows[0];
}

/** Why the grid cannot have that size; undefined if every cell is inside. */
export function describeCellOutside(cell: OutermostCell | undefined, gridSize: number): string | undefined {
  if (!cell || Math.max(cell.x, cell.y) < gridSize) return undefined;
  const minimum = Math.max(cell.x, cell.y) + 1;
  return `the field ${cell.field} has the cell ${cell.x},${cell.y}, for which GRID_SIZE must be at least ${minimum}`;
}
