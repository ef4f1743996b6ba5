/** One button per event type of the shared update schema. */
import { type EventType, eventTypes } from '../../shared/field/update.ts';
import { byId, createElement } from '../dom.ts';
import { capitalize } from '../format.ts';
import { explain } from '../help/tooltip.ts';

export function addEventButtons(onPress: (type: EventType) => void): void {
  const buttons = eventTypes.map((type) => {
    const button = createElement('button', { text: capitalize(type) });
    button.type = 'button';
    explain(button, `event-${type}`);
    button.addEventListener('click', () => onPress(type));
    return button;
  });
  byId('events', HTMLElement).append(...buttons);
}
