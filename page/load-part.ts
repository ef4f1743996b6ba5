/** Loads code that the first frame does not need. */
import { createToast } from './panels/toast.ts';

/** @returns undefined, after informing the user, if it cannot be loaded */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part | undefined> {
  try {
    return await load();
  } catch {
    createToast('notice')('A part of this page could not be loaded. Reload the page to try again.');
    return undefined;
  }
}
