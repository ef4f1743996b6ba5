/** Gauges for the global resonance, collective intelligence and the first quantum field, each 0 to 1. */
import type { FieldView } from '../../client/types.ts';
import { byId, createElement, setText } from '../dom.ts';
import { formatRatio, pluralize } from '../format.ts';

interface Gauge {
  readonly valueElement: HTMLElement;
  readonly fillElement: HTMLElement;
}

const names = [
  'Global resonance',
  'Collective intelligence',
  'Strength',
  'Coherence',
  'Entanglement',
  'Portal stability',
] as const;

export function createGauges(): (state: FieldView) => void {
  const list = byId('meters', HTMLDListElement);
  const gauges = names.map((name) => addGauge(list, name));
  const marks = byId('marks', HTMLElement);
  return (state) => {
    const [primary] = state.quantumFields;
    const values = [
      state.globalResonance,
      state.collectiveIntelligence,
      primary?.strength ?? 0,
      primary?.coherence ?? 0,
      primary?.entanglement ?? 0,
      primary?.portalStability ?? 0,
    ];
    for (const [index, gauge] of gauges.entries()) showValue(gauge, values[index] ?? 0);
    setText(
      marks,
      [
        ...(state.room64Active ? ['Room 64 is open'] : []),
        ...(primary?.sacredGeometry ? ['Sacred geometry'] : []),
        ...(primary ? [pluralize(primary.archaeologicalLayers, 'layer')] : []),
      ].join(' · '),
    );
  };
}

function addGauge(list: HTMLDListElement, name: string): Gauge {
  const valueElement = createElement('dd');
  const fillElement = createElement('i');
  const bar = createElement('dd', { className: 'bar' }, fillElement);
  bar.setAttribute('aria-hidden', 'true');
  list.append(createElement('div', {}, createElement('dt', { text: name }), valueElement, bar));
  return { valueElement, fillElement };
}

function showValue({ valueElement, fillElement }: Gauge, value: number): void {
  setText(valueElement, formatRatio(value));
  fillElement.style.transform = `scaleX(${Math.min(1, Math.max(0, value))})`;
}
