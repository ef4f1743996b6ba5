/**
 * Gauges for the metrics and the first quantum field, each 0 to 1. A change is marked with its direction; a gauge at 0 has a hint
 * how to move it.
 */
import type { FieldView } from '../../client/types.ts';
import { byId, createElement, setText } from '../dom.ts';
import { formatChange, formatRatio, pluralize } from '../format.ts';
import { describeZero, type GaugeName, gaugeNames, readGauges } from '../help/explanations.ts';
import { createTerm } from '../help/tooltip.ts';

/** Smaller changes are not visible in the value. */
const minChange = 0.005;
const markedMs = 4000;

interface Gauge {
  readonly name: GaugeName;
  readonly row: HTMLElement;
  readonly valueElement: HTMLElement;
  readonly changeElement: HTMLElement;
  readonly hintElement: HTMLElement;
  readonly fillElement: HTMLElement;
  value: number | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** @returns a function that shows a state; changes are marked only if it continues the last one */
export function createGauges(): (state: FieldView, isContinuation: boolean) => void {
  const list = byId('meters', HTMLDListElement);
  const gauges = gaugeNames.map((name) => addGauge(list, name));
  const showMarks = createMarks();
  return (state, isContinuation) => {
    const values = readGauges(state);
    for (const gauge of gauges) {
      const value = values[gauge.name];
      showValue(gauge, value, isContinuation);
      setText(gauge.hintElement, formatRatio(value) === '0.00' ? (describeZero(gauge.name, state) ?? '') : '');
    }
    showMarks(state);
  };
}

function createMarks(): (state: FieldView) => void {
  const marks = byId('marks', HTMLElement);
  const harmonics = createTerm('', 'harmonics');
  const layers = createTerm('', 'layers');
  const room64 = createTerm('', 'room64');
  const geometry = createTerm('', 'geometry');
  marks.append(harmonics, layers, room64, geometry);
  return ({ quantumFields: [primary], room64Active }) => {
    setText(
      harmonics,
      `Harmonics ${(primary?.harmonics ?? []).map((value) => value.toFixed(1)).join(' · ') || 'none'}`,
    );
    setText(layers, pluralize(primary?.archaeologicalLayers ?? 0, 'layer'));
    setText(room64, room64Active ? 'Room 64 is open' : 'Room 64 is closed');
    room64.classList.toggle('on', room64Active);
    const hasGeometry = primary?.sacredGeometry ?? false;
    setText(geometry, hasGeometry ? 'Sacred geometry' : 'No sacred geometry');
    geometry.classList.toggle('on', hasGeometry);
  };
}

function addGauge(list: HTMLDListElement, name: GaugeName): Gauge {
  const valueElement = createElement('dd', { className: 'value' });
  const changeElement = createElement('dd', { className: 'change' });
  const hintElement = createElement('dd', { className: 'zero' });
  const fillElement = createElement('i');
  const bar = createElement('dd', { className: 'bar' }, fillElement);
  bar.setAttribute('aria-hidden', 'true');
  const term = createElement('dt', {}, createTerm(name, name));
  const row = createElement('div', {}, term, changeElement, valueElement, bar, hintElement);
  row.dataset.gauge = name;
  list.append(row);
  return { name, row, valueElement, changeElement, hintElement, fillElement, value: undefined, timer: undefined };
}

function showValue(gauge: Gauge, value: number, isContinuation: boolean): void {
  const { value: former, valueElement, fillElement } = gauge;
  setText(valueElement, formatRatio(value));
  fillElement.style.transform = `scaleX(${value})`;
  const change = former === undefined || !isContinuation ? 0 : value - former;
  // Small changes add up until they are visible.
  if (Math.abs(change) < minChange && former !== undefined && isContinuation) return;
  gauge.value = value;
  if (change !== 0) markChange(gauge, change);
}

function markChange(gauge: Gauge, change: number): void {
  const { row, changeElement } = gauge;
  clearTimeout(gauge.timer);
  setText(changeElement, formatChange(change));
  delete row.dataset.moved;
  // Forces a reflow, which restarts the animation.
  void row.offsetWidth;
  row.dataset.moved = change > 0 ? 'up' : 'down';
  gauge.timer = setTimeout(() => {
    setText(changeElement, '');
    delete row.dataset.moved;
  }, markedMs);
}
