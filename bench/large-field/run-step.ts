/** Runs one step in this process, and prints its duration, peak memory and result as JSON. */
import { type StepOptions, steps } from './steps.ts';

const [, , name = '', options = ''] = process.argv;
const run = steps[name];
if (!run) throw new Error(`unknown step ${name}`);
const startedAt = performance.now();
const result = await run(JSON.parse(options) as StepOptions);
const seconds = (performance.now() - startedAt) / 1000;
console.log(JSON.stringify({ seconds, peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024), result }));
