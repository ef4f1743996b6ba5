/** The client for React and React Native: one client for all components, and hooks that select what each of them shows. */
// biome-ignore-all lint/performance/noBarrelFile: this is what apps import
export { type ConsciousnessBridge, useConsciousnessBridge } from './react/bridge.ts';
export {
  type FieldActions,
  useActions,
  useCell,
  useConflicts,
  useField,
  useIsLoaded,
  useOutbox,
  useParticle,
  usePending,
  usePresence,
  useProblem,
  useStatus,
} from './react/hooks.ts';
export { FieldInspector } from './react/inspector.ts';
export { type ClientSource, FieldProvider, useFieldClient } from './react/provider.ts';
