/** The hint shown over a field without particles or heat. */
import type { FieldView } from '../../client/types.ts';
import { byId } from '../dom.ts';

export function showEmptyState({ memoryParticles, cells }: FieldView, isLive: boolean): void {
  const isEmpty = memoryParticles.length === 0 && !Object.values(cells).some((value) => value > 0);
  byId('invitation', HTMLElement).classList.toggle('shown', isEmpty && isLive);
}
