/** Declares the commands about webhooks. */
import { type Command, Option } from 'commander';
import { updateKinds } from '../../shared/field/update.ts';
import type { CommandContext } from '../context/command-context.ts';
import { parseUuid } from '../input/parse-arguments.ts';
import type { AddWebhookOptions, JsonOption, ReplayOptions } from './webhooks/webhooks.ts';

const webhooksHelp = `
Workers with WEBHOOK_KEY send the changes of fields to each webhook, signed and in order. A receiver that was down gets everything
when it is back. The secret for verifying signatures is printed only when a webhook is added.

Examples:
  $ npx consciousness-field webhooks add https://example.org/hook --fields 'team-*' --kind particle.put
  $ npx consciousness-field webhooks
  $ npx consciousness-field webhooks replay 7b1c2a4e-5f0d-4c1b-9a3e-2d6f8e0c1b2a --dead-letters`;

const load = () => import('./webhooks/webhooks.ts');

export function addWebhookCommands(program: Command, context: CommandContext): void {
  const webhooks = program
    .command('webhooks')
    .description('Lists, adds, removes, pauses, resumes and replays webhooks.')
    .helpCommand(false)
    .addHelpText('after', webhooksHelp);
  const withId = (name: string, description: string) =>
    webhooks
      .command(name)
      .description(description)
      .argument('<id>', 'its id from the list', parseUuid)
      .option('--json', 'print the result as JSON');
  webhooks
    .command('list', { isDefault: true })
    .description('list them, with the state of their deliveries')
    .option('--json', 'print them as JSON')
    .action(async (options: JsonOption) => (await load()).printWebhooks(options, context));
  webhooks
    .command('add')
    .description('add one, and print its secret')
    .argument('<url>', 'the address that messages are posted to')
    .option('--fields <patterns>', 'the fields, comma-separated: ids, patterns such as team-*, or *', '*')
    .addOption(new Option('--kind <kinds...>', 'only updates of these kinds').choices(updateKinds))
    .option('--region <x0,y0,x1,y1>', 'only cells and positions in this part of the field')
    .option('--from-start', 'also changes that are already in the logs (default: only new ones)')
    .option('--json', 'print it as JSON')
    .action(async (url: string, options: AddWebhookOptions) => (await load()).addWebhook(url, options, context));
  withId('remove', 'remove one, with its dead letters').action(async (id: string, options: JsonOption) =>
    (await load()).removeWebhook(id, options, context),
  );
  withId('pause', 'send nothing until it is resumed; then send what it has missed').action(
    async (id: string, options: JsonOption) => (await load()).setWebhookStatus([id, 'paused'], options, context),
  );
  withId('resume', 'continue a paused webhook, or retry a failing one at once').action(
    async (id: string, options: JsonOption) => (await load()).setWebhookStatus([id, 'active'], options, context),
  );
  withId('replay', 'send changes again, in order, from an earlier position on')
    .option('--dead-letters', 'from the first message that became a dead letter')
    .option('--after <cursor>', 'from after this cursor of the change feed (`changes`)')
    .option('--from-start', 'from the beginning of the logs')
    .action(async (id: string, options: ReplayOptions) => (await load()).replayWebhook(id, options, context));
}
