/** One button per event type of the shared update schema. */
import { type EventType, eventTypes } from '../../shared/field/update.ts';
import { byId, createElement } from '../dom.ts';

export function addEventButtons(onPress: (type: EventType) => void): void {
  const buttons = eventTypes.map((type) => {
    const button = createElement('button', { text: type.charAt(0).toUpperCase() + type.slice(1) });
    button.type = 'button';
    button.addEventListener('click', () => onPress(type));
    return button;
  });
  byId('events', HTMLElement).append(...buttons);
}
