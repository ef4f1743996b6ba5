/** `npm run demo`: a running system with fields that keep changing, until Ctrl-C. */
import { onShutdownSignals } from '../../shared/process/shutdown-signals.ts';
import { startDevices } from './devices.ts';
import { earthquakes, fillFields, garden } from './fill-fields.ts';
import { helpText, parseOptions } from './options.ts';
import { findOrStartStack } from './stack.ts';

const printLine = (line: string) => console.log(line);

async function run(): Promise<void> {
  const { devices, url: given, isOnLan, isHelp } = parseOptions(process.argv.slice(2));
  if (isHelp) return printLine(helpText);
  const stopping = new Promise<void>((resolve) =>
    onShutdownSignals(
      () => resolve(),
      () => {
        process.exit(1);
      },
    ),
  );
  const stack = given === undefined ? await findOrStartStack(isOnLan) : { url: given, stop: async () => undefined };
  try {
    await Promise.race([stopping, show(stack.url, devices, stopping)]);
  } finally {
    await stack.stop();
  }
}

async function show(url: string, devices: number, stopping: Promise<void>): Promise<void> {
  printLine('Filling the fields');
  await fillFields(url);
  const stopDevices = await startDevices(url, devices);
  printLine(
    [
      '',
      `  Garden       ${url}/?field=${garden}`,
      `  Earthquakes  ${url}/?field=${earthquakes}`,
      '',
      `${devices} devices move, paint and disagree — Ctrl-C stops them`,
    ].join('\n'),
  );
  await stopping;
  await stopDevices();
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
