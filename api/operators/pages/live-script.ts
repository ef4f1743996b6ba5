/**
 * Refreshes a page in place. Replaces only the changed parts of the regions with `data-live`, so that scrolling, typing and screen
 * readers elsewhere are not disturbed. Does nothing while text is selected or the page is hidden. Without scripts, the page reloads.
 */
export const liveScript = `'use strict';
const intervalMs = 5000;

function replaceChanged(region, next) {
  const [parts, newParts] = [[...region.children], [...next.children]];
  if (parts.length !== newParts.length) return region.replaceChildren(...newParts);
  for (const [index, part] of parts.entries()) {
    const newPart = newParts[index];
    if (part.outerHTML === newPart.outerHTML || part.contains(document.activeElement)) continue;
    const scrolled = [...part.querySelectorAll('.scroll')].map((table) => table.scrollLeft);
    part.replaceWith(newPart);
    for (const [place, table] of [...newPart.querySelectorAll('.scroll')].entries()) table.scrollLeft = scrolled[place] ?? 0;
  }
}

async function refresh() {
  const isSelecting = getSelection()?.isCollapsed === false;
  if (document.hidden || isSelecting) return;
  const response = await fetch(location.href, { signal: AbortSignal.timeout(intervalMs) });
  if (!response.ok) throw new Error('status ' + response.status);
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  document.title = next.title;
  for (const region of document.querySelectorAll('[data-live]')) {
    const newRegion = next.querySelector('[data-live="' + region.dataset.live + '"]');
    if (newRegion) replaceChanged(region, newRegion);
  }
}

async function run() {
  const isReached = await refresh().then(() => true, () => false);
  document.body.classList.toggle('stale', !isReached);
  setTimeout(run, intervalMs);
}
setTimeout(run, intervalMs);
`;
