/** `operators hash`: prints the entry of an operator for OPERATORS_FILE, with the hash of a password. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { hashPassword } from '../../../shared/auth/password-hash.ts';
import { describeGuessablePassword } from '../../../shared/config/secret-strength.ts';
import { type OperatorScope, operatorScopes } from '../../../shared/contract/token.ts';
import type { CommandContext } from '../../context/command-context.ts';
import { CliError } from '../../errors/cli-error.ts';

export interface HashOptions {
  /** Separated by commas or spaces. */
  readonly scopes: string;
  readonly json?: boolean;
}

export async function printOperator(name: string, options: HashOptions, context: CommandContext): Promise<void> {
  const scopes = parseOperatorScopes(options.scopes);
  const password = await readPassword(context);
  const weakness = describeGuessablePassword(password);
  if (weakness) throw new CliError('usage', `The password ${weakness}.`);
  const operator = { name, password: await hashPassword(password), scopes };
  context.print(JSON.stringify(operator, null, options.json ? 0 : 2));
}

function parseOperatorScopes(text: string): OperatorScope[] {
  return text
    .trim()
    .split(/[\s,]+/)
    .map((given) => {
      const scope = operatorScopes.find((known) => known === given);
      if (!scope) throw new CliError('usage', `--scopes: "${given}" is not one of ${operatorScopes.join(', ')}.`);
      return scope;
    });
}

/** Reads the first line of standard input, without echo on a terminal. */
async function readPassword({ stdin, stderr }: CommandContext): Promise<string> {
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true;
  if (isTerminal) stderr.write('Password: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: isTerminal });
  try {
    for await (const line of lines) return line;
    throw new CliError('usage', 'There is no password on standard input.');
  } finally {
    lines.close();
    if (isTerminal) stderr.write('\n');
  }
}
