/** Preloaded into a process whose clock is stepped: shifts `Date` by the seconds in a file, which is read twice per second. */
import { readFileSync } from 'node:fs';

const { CLOCK_OFFSET_FILE: file = '' } = process.env;
const RealDate = Date;
let offsetMs = readOffset();
setInterval(() => {
  offsetMs = readOffset();
}, 500).unref();

function readOffset(): number {
  return Number(readFileSync(file, 'utf8')) * 1000;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [target.now() + offsetMs] : args, newTarget),
  get: (target, key) => (key === 'now' ? () => target.now() + offsetMs : Reflect.get(target, key)),
});
