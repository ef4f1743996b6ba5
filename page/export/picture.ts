/** Saves the canvases as a PNG. */
import { compose } from './compose.ts';
import { download } from './download.ts';
import type { ExportSource } from './export-source.ts';

/** @throws if the browser cannot encode it */
export async function savePicture(source: ExportSource): Promise<void> {
  const canvas = document.createElement('canvas');
  compose(canvas, source);
  const content = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!content) throw new Error('the picture is too large for this browser');
  download(`${source.field}-${source.shown().version}.png`, content);
}
