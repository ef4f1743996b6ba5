/**
 * The progress of a command on standard error: a bar on a terminal, otherwise a line every two seconds. Lines printed
 * meanwhile appear above the bar.
 */
import { MultiBar } from 'cli-progress';
import type { OutputStream } from '../context/command-context.ts';
import { escapeControlChars } from '../text/escape-control-chars.ts';

const lineIntervalMs = 2000;

export interface Progress {
  /** `text` is shown beside the bar, for example `12 applied`. */
  show(state: { done: number; total: number; text: string }): void;
  printLine(line: string): void;
  stop(): void;
}

export function startProgress(stream: OutputStream): Progress {
  return stream.isTTY ? startBar(stream) : startLines(stream);
}

function startBar(stream: OutputStream): Progress {
  const bars = new MultiBar({
    stream,
    format: '{bar} {percentage}% {text}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // The command handles SIGINT itself.
    gracefulExit: false,
  });
  const bar = bars.create(1, 0, { text: '' });
  return {
    show({ done, total, text }) {
      bar.setTotal(Math.max(total, 1));
      bar.update(done, { text });
    },
    printLine: (line) => bars.log(`${escapeControlChars(line)}\n`),
    stop() {
      // Lines logged since the last redraw would be lost otherwise.
      bars.update();
      bars.stop();
    },
  };
}

function startLines(stream: OutputStream): Progress {
  let latest = '';
  const printLine = (line: string) => void stream.write(`${escapeControlChars(line)}\n`);
  const timer = setInterval(() => latest && printLine(latest), lineIntervalMs);
  timer.unref();
  return {
    show({ text }) {
      latest = text;
    },
    printLine,
    stop: () => clearInterval(timer),
  };
}
