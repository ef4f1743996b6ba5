/** Runs an API or a worker that is expected to exit, and returns its output. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patient } from '../wait-until.ts';
import { installedEntryPoint } from './modules.ts';

/** @param env its only settings */
export function runUntilExit(
  component: 'api' | 'workers',
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  const environment = { PATH: process.env.PATH ?? '', ...env };
  return new Promise((resolve) => {
    const options = { env: environment, timeout: patient(60_000) };
    execFile(
      process.execPath,
      [fileURLToPath(installedEntryPoint(`${component}/main`))],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr });
      },
    );
  });
}
