/** Describes what an event has changed, or why it has changed nothing. Pure. */
import type { FieldView } from '../../client/types.ts';
import type { EventType } from '../../shared/field/update.ts';
import { capitalize, formatChange, pluralize } from '../format.ts';
import { readGauges } from './explanations.ts';

const minChange = 0.005;

/** @param after the state with the event, as the page predicts it */
export function describeEffect(type: EventType, intensity: number, before: FieldView, after: FieldView): string {
  const [from, to] = [readGauges(before), readGauges(after)];
  const changes = Object.entries(to).map(([name, value]) => ({
    name: name.toLowerCase(),
    change: value - from[name as keyof typeof from],
  }));
  const moved = changes.filter(({ change }) => Math.abs(change) >= minChange);
  const parts = [
    ...moved.map(({ name, change }) => `${name} ${formatChange(change)}`),
    ...describeOther(before, after),
  ];
  const hasFaded = type !== 'void' && moved.some(({ change }) => change < 0);
  const note = hasFaded ? ' (what earlier events had added has faded)' : '';
  return `${capitalize(type)}: ${parts.join(', ') || explainNothing(type, intensity)}${note}`;
}

function describeOther(before: FieldView, after: FieldView): string[] {
  const [old, now] = [before.quantumFields[0], after.quantumFields[0]];
  const hasWave = JSON.stringify(old?.harmonics) !== JSON.stringify(now?.harmonics);
  return [
    ...(hasWave ? [`harmonics ${(now?.harmonics ?? []).map((value) => value.toFixed(1)).join(' · ')}`] : []),
    ...(old?.archaeologicalLayers === now?.archaeologicalLayers
      ? []
      : [pluralize(now?.archaeologicalLayers ?? 0, 'layer')]),
    ...(before.room64Active === after.room64Active ? [] : [after.room64Active ? 'room 64 opens' : 'room 64 closes']),
    ...(now?.sacredGeometry && !old?.sacredGeometry ? ['sacred geometry appears'] : []),
  ];
}

function explainNothing(type: EventType, intensity: number): string {
  switch (type) {
    case 'portal':
      return intensity > 0.8
        ? 'room 64 is open already'
        : `nothing changes: it takes an intensity above 0.80, and yours is ${intensity.toFixed(2)}`;
    case 'void':
      return 'nothing changes: room 64 is closed, and no event has added anything';
    default:
      return 'nothing changes: the gauges are at their limits';
  }
}
