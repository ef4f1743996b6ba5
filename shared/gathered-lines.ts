/**
 * Writes the lines of a log together: a write to the kernel for each of them costs more than making it. Lines of level
 * warn and above are written at once, with all before them, and so is everything when the process ends by itself. Who
 * kills it takes the last tenth of a second of the others.
 */
import { type DestinationStream, pino } from 'pino';

const flushEveryMs = 100;
const maxLength = 16_384;

/** How pino begins a line of level warn, error or fatal. */
const urgentLine = /^\{"level":[456]0,/;

export function gatherLines(destination: DestinationStream = pino.destination({ sync: true })): DestinationStream {
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const gathered = text;
    text = '';
    if (gathered !== '') destination.write(gathered);
  };
  process.once('exit', flush);
  return {
    write(line) {
      text += line;
      if (text.length >= maxLength || urgentLine.test(line)) flush();
      else timer ??= setTimeout(flush, flushEveryMs).unref();
    },
  };
}
