/** Detects that a page resumes: from sleep, from the background, or on another network. Does nothing outside browsers. */
interface EventSource {
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

const resumeEvents = ['online', 'pageshow', 'focus', 'visibilitychange'];

/** @returns a function that removes the listener */
export function onPageResume(onResume: () => void): () => void {
  const page = globalThis as EventSource;
  for (const name of resumeEvents) page.addEventListener?.(name, onResume);
  return () => {
    for (const name of resumeEvents) page.removeEventListener?.(name, onResume);
  };
}
