/** When a page comes back: from sleep, from the background, from another network. Elsewhere these events do not exist. */
interface EventSource {
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

const resumeEvents = ['online', 'pageshow', 'focus', 'visibilitychange'];

export function onPageResume(onResume: () => void): () => void {
  const page = globalThis as EventSource;
  for (const name of resumeEvents) page.addEventListener?.(name, onResume);
  return () => {
    for (const name of resumeEvents) page.removeEventListener?.(name, onResume);
  };
}
