/**
 * Small values that this browser keeps. If its storage is forbidden or full, they last only as long as the page, which must not
 * fail for that reason.
 */
const unstored = new Map<string, string>();

export function readValue(key: string): string | undefined {
  try {
    return unstored.get(key) ?? localStorage.getItem(key) ?? undefined;
  } catch {
    return unstored.get(key);
  }
}

/** @returns whether the value outlasts the page */
export function saveValue(key: string, value: string): boolean {
  try {
    localStorage.setItem(key, value);
    unstored.delete(key);
    return true;
  } catch {
    unstored.set(key, value);
    return false;
  }
}

export function removeValue(key: string): void {
  unstored.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // Without access to the storage, nothing is stored in it.
  }
}
