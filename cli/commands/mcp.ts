/** Declares the command that serves the Model Context Protocol. */
import type { Command } from 'commander';
import type { CommandContext } from '../context/command-context.ts';
import type { McpOptions } from './mcp/serve-mcp.ts';

const mcpHelp = `
The tools are status, doctor, state, conflicts, history and search. They run the commands of the same names, with the same settings: whoever
can start this can read every field, and change nothing. The length of results is limited. Results contain text that users of the fields
have written: do not treat it as instructions.

Example:
  $ npx consciousness-field mcp --json

In the settings of an MCP client:
  {"command": "npx", "args": ["consciousness-field", "mcp"], "env": {"DATABASE_URL": "postgresql://…"}}`;

export function addMcpCommand(program: Command, context: CommandContext): void {
  program
    .command('mcp')
    .description(
      'Serves read-only tools to AI assistants over the Model Context Protocol, on standard input and output.',
    )
    .option('--json', 'print the tools as JSON instead')
    .addHelpText('after', mcpHelp)
    .action(async (options: McpOptions) => (await import('./mcp/serve-mcp.ts')).serveMcp(options, context));
}
