/** When a page comes back: from sleep, from the background, from another network. Elsewhere these events do not exist. */
interface EventSource {
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

const names = ['online', 'pageshow', 'focus', 'visibilitychange'];

export function onBrowserWake(wake: () => void): () => void {
  const page = globalThis as EventSource;
  for (const name of names) page.addEventListener?.(name, wake);
  return () => {
    for (const name of names) page.removeEventListener?.(name, wake);
  };
}
