/** Records the canvases as a WebM, live or while the past is played. */
import { compose } from './compose.ts';
import { download } from './download.ts';
import type { ExportSource } from './export-source.ts';

const framesPerSecond = 30;
const bitsPerSecond = 6_000_000;
/** A recording that is never stopped would exhaust memory. */
const maxSeconds = 600;

interface FilmEvents {
  /** @param stop ends the recording and saves the film */
  readonly onStart: (stop: () => void) => void;
  readonly onTime: (seconds: number) => void;
}

/** Resolves when the recording has been stopped and saved. @throws if the browser cannot record */
export async function recordFilm(source: ExportSource, { onStart, onTime }: FilmEvents): Promise<void> {
  if (!('MediaRecorder' in globalThis)) throw new Error('this browser cannot record');
  const canvas = document.createElement('canvas');
  compose(canvas, source);
  const mimeType = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8'].find((type) =>
    MediaRecorder.isTypeSupported(type),
  );
  if (!mimeType) throw new Error('this browser cannot record WebM');
  const recorder = new MediaRecorder(canvas.captureStream(framesPerSecond), {
    mimeType,
    videoBitsPerSecond: bitsPerSecond,
  });
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve, { once: true }));
  const startedAt = performance.now();
  const timer = setInterval(() => {
    compose(canvas, source);
    const seconds = Math.floor((performance.now() - startedAt) / 1000);
    onTime(seconds);
    if (seconds >= maxSeconds) recorder.stop();
  }, 1000 / framesPerSecond);
  onStart(() => {
    if (recorder.state !== 'inactive') recorder.stop();
  });
  recorder.start(1000);
  await stopped;
  clearInterval(timer);
  download(`${source.field}.webm`, new Blob(parts, { type: 'video/webm' }));
}
