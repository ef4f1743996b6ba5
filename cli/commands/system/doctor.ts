/** `field doctor`: looks at everything that the system stands on, and says what to do about what it finds. */
import type { Command } from 'commander';
import { renderFindings } from '../../doctor/render-findings.ts';
import { runChecks } from '../../doctor/run-checks.ts';
import { exitCodes } from '../../errors/cli-error.ts';
import { parseUrl } from '../../input/parse-arguments.ts';
import { collectSettings } from '../../input/read-settings.ts';

const help = `
Looks at the configuration, PostgreSQL, both roles of Redis, both queues, the workers, the API, the clocks and the disk.
What cannot be reached is a finding like any other.

Exit codes: 0 healthy (there may be warnings), 1 problems, 2 nothing to look at, since no address is set.

Examples:
  $ npx consciousness-field doctor
  $ npx consciousness-field doctor --url https://field.example.org --json`;

interface Options {
  url?: string;
  json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Looks at everything that the system stands on, and says what to do about what it finds.')
    .option('--url <url>', 'the API (default: that of a running `npm start`)', parseUrl)
    .option('--json', 'prints the findings as JSON')
    .addHelpText('after', help)
    .action(run);
}

async function run({ url, json }: Options): Promise<void> {
  const rawSettings = collectSettings(process.env);
  const folder = rawSettings.FIELD_DATA_DIR ?? process.cwd();
  const { findings, hasTargets } = await runChecks({ rawSettings, apiUrl: url ?? rawSettings.API_URL, folder });
  const count = (level: string) => findings.filter((finding) => finding.level === level).length;
  const problems = count('problem');
  if (json) console.log(JSON.stringify({ problems, warnings: count('warning'), findings }));
  else console.log(renderFindings(findings, process.stdout.isTTY && !process.env.NO_COLOR));
  if (!hasTargets) process.exitCode = exitCodes.usage;
  else if (problems > 0) process.exitCode = exitCodes.no;
}
