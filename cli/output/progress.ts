/**
 * How far a command has come, on standard error: a bar on a terminal, a line every two seconds elsewhere. Lines that are
 * said meanwhile stand above the bar.
 */
import { MultiBar } from 'cli-progress';
import { escapeControlChars } from './escape-control-chars.ts';

const lineIntervalMs = 2000;

export interface Progress {
  /** `text` tells the rest, for example `12 applied`. */
  show(state: { done: number; total: number; text: string }): void;
  printLine(line: string): void;
  stop(): void;
}

export function startProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? startBar(stream) : startLines(stream);
}

function startBar(stream: NodeJS.WriteStream): Progress {
  const bars = new MultiBar({
    stream,
    format: '{bar} {percentage}% {text}',
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // Ctrl-C is the command's own affair.
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
      // What was said since the last redraw would be lost.
      bars.update();
      bars.stop();
    },
  };
}

function startLines(stream: NodeJS.WriteStream): Progress {
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
