/** The quantum field's gauges: fine lines with their figures. */
import type { FieldView } from '../../client/types.ts';
import { byId, create, setText } from '../dom.ts';
import { formatShare, plural } from '../format.ts';

interface Meter {
  readonly figure: HTMLElement;
  readonly fill: HTMLElement;
}

const names = [
  'Global resonance',
  'Collective intelligence',
  'Strength',
  'Coherence',
  'Entanglement',
  'Portal stability',
] as const;

export function createMeters(): (state: FieldView) => void {
  const list = byId('meters', HTMLDListElement);
  const meters = names.map((name) => addMeter(list, name));
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
    for (const [index, meter] of meters.entries()) showValue(meter, values[index] ?? 0);
    setText(
      marks,
      [
        ...(state.room64Active ? ['Room 64 is open'] : []),
        ...(primary?.sacredGeometry ? ['Sacred geometry'] : []),
        ...(primary ? [plural(primary.archaeologicalLayers, 'layer')] : []),
      ].join(' · '),
    );
  };
}

function addMeter(list: HTMLDListElement, name: string): Meter {
  const figure = create('dd');
  const fill = create('i');
  const bar = create('dd', { className: 'bar' }, fill);
  bar.setAttribute('aria-hidden', 'true');
  list.append(create('div', {}, create('dt', { text: name }), figure, bar));
  return { figure, fill };
}

function showValue({ figure, fill }: Meter, value: number): void {
  setText(figure, formatShare(value));
  fill.style.transform = `scaleX(${Math.min(1, Math.max(0, value))})`;
}
