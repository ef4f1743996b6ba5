/** Loads what the first picture does not need. */
import { createToast } from './panels/toast.ts';

/** @returns undefined, after the user has been informed, if the network does not give it */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part | undefined> {
  try {
    return await load();
  } catch {
    createToast('notice')('A part of this page could not be loaded. Reload the page to try again.');
    return undefined;
  }
}
