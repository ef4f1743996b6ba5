/** An edit as the values before and after it, so that it can be undone and redone. Pure. */

import type { CellValue, FieldView, Particle, ParticleInput } from '../types.ts';
import { toBaseAttributes } from '../updates/base-attributes.ts';

/** A particle's attributes; undefined where there is no particle. */
type ParticleValue = ParticleInput | undefined;

export type Edit =
  | { readonly kind: 'cells'; readonly before: readonly CellValue[]; readonly after: readonly CellValue[] }
  | { readonly kind: 'particle'; readonly id: string; readonly before: ParticleValue; readonly after: ParticleValue };

export function findParticle({ memoryParticles }: FieldView, id: string): Particle | undefined {
  return memoryParticles.find((particle) => particle.id === id);
}

/** The values of cells in a state; a cell that was never set counts as 0. */
export function readCells({ cells }: FieldView, places: readonly Omit<CellValue, 'value'>[]): CellValue[] {
  return places.map(({ x, y }) => ({ x, y, value: cells[`${x},${y}`] ?? 0 }));
}

export function readParticle(state: FieldView, id: string): ParticleValue {
  const particle = findParticle(state, id);
  return particle && toBaseAttributes(particle);
}

/** The edit that reverses another one. */
export function invert(edit: Edit): Edit {
  return { ...edit, before: edit.after, after: edit.before } as Edit;
}

/**
 * The part of an edit that still applies to a state: values that anyone has changed since are left alone.
 * @returns undefined if nothing is left
 */
export function toApplicable(edit: Edit, state: FieldView, device: string | undefined): Edit | undefined {
  if (edit.kind === 'cells') {
    const current = readCells(state, edit.before);
    const isUnchanged = (_: CellValue, index: number) => current[index]?.value === edit.before[index]?.value;
    const after = edit.after.filter(isUnchanged);
    return after.length === 0 ? undefined : { ...edit, before: edit.before.filter(isUnchanged), after };
  }
  const current = readParticle(state, edit.id);
  const { before } = edit;
  if (!before) return current ? undefined : edit;
  if (!current) return undefined;
  const isUnchanged = ([name]: [string, unknown]) => isSame(read(current, name), read(before, name));
  if (!edit.after) {
    // Removing a particle would also remove what others have written to it. A device has no id until it has registered.
    const isOwn = findParticle(state, edit.id)?.device === (device ?? '');
    return isOwn && Object.entries(current).every(isUnchanged) ? edit : undefined;
  }
  // Content can be emptied, not removed.
  const emptied = before.content !== undefined && edit.after.content === undefined ? { content: '' } : {};
  const after = Object.fromEntries(Object.entries({ ...edit.after, ...emptied }).filter(isUnchanged));
  return Object.keys(after).length === 0 ? undefined : { ...edit, after };
}

/** Whether an edit concerns values outside the state's region, so that later changes to them cannot be seen. */
export function isOutOfSight(edit: Edit, state: FieldView): boolean {
  const { region, cells } = state;
  if (!region) return false;
  if (edit.kind === 'particle') return edit.before !== undefined && !findParticle(state, edit.id);
  const { x0, y0, x1, y1 } = region;
  return edit.before.some(({ x, y }) => !(x >= x0 && x < x1 && y >= y0 && y < y1) && cells[`${x},${y}`] === undefined);
}

/** Missing content counts as empty. */
function read(attributes: ParticleInput, name: string): unknown {
  return attributes[name as keyof ParticleInput] ?? (name === 'content' ? '' : undefined);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
