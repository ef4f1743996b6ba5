/** Hooks that read the client of the nearest `FieldProvider`. A component renders again only when the value that it uses changes. */
import { useCallback, useMemo, useRef, useSyncExternalStore } from 'react';
import { type PresenceView, presenceOf } from '../presence/presence-of.ts';
import type {
  ClientEvents,
  ClientProblem,
  FieldClient,
  FieldConflict,
  FieldView,
  OutboxEntry,
  Status,
} from '../types.ts';
import { useFieldClient } from './provider.ts';

type Particle = FieldView['memoryParticles'][number];

/** A value of the client. @param read must return the same object until the value changes */
export function useClientValue<Value>(
  client: FieldClient,
  events: readonly (keyof ClientEvents)[],
  read: (client: FieldClient) => Value,
): Value {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the events of a hook never change
  const subscribe = useCallback(
    (onChange: () => void) => {
      const unsubscribers = events.map((name) => client.on(name, onChange));
      return () => {
        for (const unsubscribe of unsubscribers) unsubscribe();
      };
    },
    [client],
  );
  const readNow = () => read(client);
  return useSyncExternalStore(subscribe, readNow, readNow);
}

/** The state with all pending own updates. */
export function useField(): FieldView;
/**
 * A part of the state with all pending own updates.
 *
 * ```tsx
 * const count = useField((state) => state.memoryParticles.length);
 * ```
 * @param isEqual whether two selected values are the same; needed only if the selector makes new objects
 */
export function useField<Value>(
  selector: (state: FieldView) => Value,
  isEqual?: (a: Value, b: Value) => boolean,
): Value;
export function useField<Value>(
  selector: (state: FieldView) => Value | FieldView = (state) => state,
  isEqual: (a: Value | FieldView, b: Value | FieldView) => boolean = Object.is,
): Value | FieldView {
  const last = useRef<{ state: FieldView; selector: typeof selector; value: Value | FieldView }>(undefined);
  return useClientValue(useFieldClient(), ['state'], ({ state }) => {
    const known = last.current;
    if (known && known.state === state && known.selector === selector) return known.value;
    const selected = selector(state);
    const value = known && isEqual(known.value, selected) ? known.value : selected;
    last.current = { state, selector, value };
    return value;
  });
}

/** The particles of a state by id, shared by all components. */
const indexes = new WeakMap<FieldView, ReadonlyMap<string, Particle>>();

function getParticle(state: FieldView, id: string): Particle | undefined {
  let index = indexes.get(state);
  if (!index) {
    index = new Map(state.memoryParticles.map((particle) => [particle.id, particle]));
    indexes.set(state, index);
  }
  return index.get(id);
}

/** One particle; undefined if there is none with this id. */
export function useParticle(id: string): Particle | undefined {
  return useField(useCallback((state: FieldView) => getParticle(state, id), [id]));
}

/** The value of one cell, 0 to 1; undefined if it was never set. */
export function useCell(x: number, y: number): number | undefined {
  return useField(useCallback((state: FieldView) => state.cells[`${x},${y}`], [x, y]));
}

export function useStatus(): Status {
  return useClientValue(useFieldClient(), ['status'], ({ status }) => status);
}

/** Whether the storage has been read; before that, the state does not include earlier edits. */
export function useIsLoaded(): boolean {
  return useClientValue(useFieldClient(), ['state', 'status'], ({ isLoaded }) => isLoaded);
}

/** The number of own updates that are not applied yet. */
export function usePending(): number {
  return useClientValue(useFieldClient(), ['update', 'state'], ({ pending }) => pending);
}

/** The own updates in sending order. */
export function useOutbox(): readonly OutboxEntry[] {
  return useClientValue(useFieldClient(), ['update', 'state'], ({ outbox }) => outbox);
}

/** The latest conflicts, the newest first. */
export function useConflicts(): readonly FieldConflict[] {
  return useClientValue(useFieldClient(), ['conflict'], ({ conflicts }) => conflicts);
}

/** The present devices and the data that they show: names, colours, cursors. Set this device's data with `presenceOf(client).set`. */
export function usePresence(): PresenceView {
  const presence = presenceOf(useFieldClient());
  const subscribe = useCallback((onChange: () => void) => presence.on(onChange), [presence]);
  const readNow = () => presence.view;
  return useSyncExternalStore(subscribe, readNow, readNow);
}

/** The newest problem; undefined again when the client is connected, or an update was applied. */
export function useProblem(): ClientProblem | undefined {
  return useClientValue(useFieldClient(), ['problem', 'status', 'update'], ({ problem }) => problem);
}

export type FieldActions = Pick<FieldClient, 'putParticle' | 'removeParticle' | 'setCells' | 'emit' | 'discard'>;

/** The functions that edit the field. They stay the same as long as the client does. */
export function useActions(): FieldActions {
  return useBoundActions(useFieldClient());
}

export function useBoundActions(client: FieldClient): FieldActions {
  return useMemo(
    () => ({
      putParticle: client.putParticle.bind(client),
      removeParticle: client.removeParticle.bind(client),
      setCells: client.setCells.bind(client),
      emit: client.emit.bind(client),
      discard: client.discard.bind(client),
    }),
    [client],
  );
}
