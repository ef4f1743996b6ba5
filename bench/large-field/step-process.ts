/** Runs a step in a child process, and measures the memory of PostgreSQL meanwhile. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PeakUsage } from '../stack/peak-usage.ts';
import type { StepOptions, StepResult } from './steps.ts';

export interface MeasuredStep {
  /** What the table calls it. */
  readonly title: string;
  readonly seconds: number;
  readonly peakRssMb: number;
  readonly peakPostgresMb: number;
  readonly result: StepResult;
}

interface StepProcess {
  readonly name: string;
  readonly title: string;
  readonly options: StepOptions;
  readonly postgresPid: number;
  /** Ends the child. */
  readonly signal: AbortSignal;
}

/** @throws unless the child exits with code 0 */
export async function runStep({ name, title, options, postgresPid, signal }: StepProcess): Promise<MeasuredStep> {
  const usage = new PeakUsage();
  usage.watch('PostgreSQL', postgresPid);
  try {
    const script = fileURLToPath(new URL('./run-step.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, name, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    });
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += String(text);
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${title} failed: its process exited with code ${code}`);
    const measured = JSON.parse(stdout) as Pick<MeasuredStep, 'seconds' | 'peakRssMb' | 'result'>;
    return { ...measured, title, peakPostgresMb: Math.round(usage.readPeaks().get('PostgreSQL') ?? 0) };
  } finally {
    usage.stop();
  }
}
