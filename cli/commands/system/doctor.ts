/** `doctor`: runs all checks and prints their findings with advice. */
import { resolve } from 'node:path';
import type { CommandContext } from '../../context/command-context.ts';
import { renderFindings } from '../../doctor/render-findings.ts';
import { runChecks } from '../../doctor/run-checks.ts';
import { collectSettings } from '../../input/read-settings.ts';

export interface DoctorOptions {
  readonly url?: string;
  readonly json?: boolean;
}

export async function runDoctor({ url, json }: DoctorOptions, context: CommandContext): Promise<void> {
  const rawSettings = collectSettings(context);
  const folder = resolve(context.cwd, rawSettings.FIELD_DATA_DIR ?? '.');
  const { findings, hasTargets } = await runChecks({ rawSettings, apiUrl: url ?? rawSettings.API_URL, folder });
  const count = (level: string) => findings.filter((finding) => finding.level === level).length;
  const problems = count('problem');
  if (json) context.print(JSON.stringify({ problems, warnings: count('warning'), findings }));
  else context.print(renderFindings(findings, context.stdout.isTTY === true && !context.env.NO_COLOR));
  if (!hasTargets) context.setExitCode('usage');
  else if (problems > 0) context.setExitCode('negative');
}
