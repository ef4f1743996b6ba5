/** Runs every planted defect in a process of its own; each run must fail with the expected violation. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FaultOptions } from './options.ts';
import type { Plant } from './plants/plant.ts';
import { plants } from './plants/plants.ts';

/** Three times as long as the longest takes on two cores. */
const plantTimeoutMs = 180_000;

/** @returns the exit code: 0 only if every defect was detected */
export async function runPlants(
  { seed }: FaultOptions,
  printLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const missed: string[] = [];
  for (const [name, plant] of Object.entries(plants)) {
    if (signal.aborted) return 1;
    const { code, output } = await runPlant(name, plant, seed, signal);
    const found = output.split('\n').find((line) => line.trim().startsWith(`${plant.expectedViolation}:`));
    const isDetected = code === 1 && found !== undefined;
    if (!isDetected) missed.push(name);
    printLine(
      isDetected ? `${name}: detected as ${found.trim()}` : `${name}: NOT DETECTED (${describeExit(code)})\n${output}`,
    );
  }
  printLine(missed.length === 0 ? 'every planted defect was detected' : `not detected: ${missed.join(', ')}`);
  return missed.length === 0 ? 0 : 1;
}

interface ExitResult {
  /** Null if it was killed because it took too long. */
  readonly code: number | null;
  readonly output: string;
}

function runPlant(name: string, { rounds = 1 }: Plant, seed: number, signal: AbortSignal): Promise<ExitResult> {
  const script = fileURLToPath(new URL('./run.ts', import.meta.url));
  const args = ['--plant', name, '--seed', String(seed), '--rounds', String(rounds), '--seconds', '5'];
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: plantTimeoutMs,
    killSignal: 'SIGKILL', // Its orphan reaper stops what it has started.
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function describeExit(code: number | null): string {
  return code === null ? `not finished after ${plantTimeoutMs / 1000} s` : `exit code ${code}`;
}
