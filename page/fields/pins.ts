/** The fields that the user has pinned, in this browser. */
import { isFieldId } from '../../shared/field/ids.ts';
import { readValue, saveValue } from '../browser-values.ts';
import { storageKey } from '../sharing/address.ts';

const maxPins = 50;
const key = () => storageKey('field.pins');

/** In the order in which they were pinned. Invalid ids, which other software may have written, are left out. */
export function readPins(): readonly string[] {
  const names = (readValue(key()) ?? '').split(' ');
  return names.filter(isFieldId).slice(0, maxPins);
}

/** @returns whether it is pinned now */
export function togglePin(field: string): boolean {
  const pins = readPins();
  const isPinned = pins.includes(field);
  const others = pins.filter((pin) => pin !== field);
  saveValue(key(), (isPinned ? others : [...others.slice(1 - maxPins), field]).join(' '));
  return !isPinned;
}
