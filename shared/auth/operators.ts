/** The operators who log in with a name and a password: those in `OPERATORS_FILE`, and `operator` with `ADMIN_PASSWORD`. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Config, ConfigError } from '../config/config.ts';
import { type OperatorScope, operatorScopes } from '../contract/token.ts';
import { isPasswordHash, verifyPassword } from './password-hash.ts';

export interface Operator {
  readonly name: string;
  readonly scopes: readonly OperatorScope[];
  readonly isPassword: (candidate: string) => Promise<boolean>;
}

/** The operator with the password of the setting `ADMIN_PASSWORD`. */
const adminName = 'operator';

const operatorsSchema = z
  .array(
    z.strictObject({
      name: z.string().regex(/^[A-Za-z0-9._@-]{1,64}$/, 'must be 1 to 64 letters, digits or . _ @ -'),
      password: z.string().refine(isPasswordHash, 'must be a hash by `npx consciousness-field operators hash`'),
      scopes: z.array(z.enum(operatorScopes)).min(1),
    }),
  )
  .refine((operators) => new Set(operators.map(({ name }) => name)).size === operators.length, 'names a person twice');

/** @throws ConfigError when the file cannot be used */
export function readOperators(config: Pick<Config, 'ADMIN_PASSWORD' | 'OPERATORS_FILE'>): readonly Operator[] {
  const { ADMIN_PASSWORD: password, OPERATORS_FILE: file } = config;
  const named = file === undefined ? [] : readFile(file);
  if (password === undefined) return named;
  if (named.some(({ name }) => name === adminName)) {
    throw new ConfigError([
      `OPERATORS_FILE: the operator ${adminName} is the one of ADMIN_PASSWORD; remove one of them`,
    ]);
  }
  const expected = digest(password);
  const admin: Operator = {
    name: adminName,
    scopes: ['admin'],
    isPassword: async (candidate) => timingSafeEqual(digest(candidate), expected),
  };
  return [admin, ...named];
}

function readFile(file: string): Operator[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ConfigError([`OPERATORS_FILE: ${file} ${code ? `cannot be read (${code})` : 'is not JSON'}`]);
  }
  const parsed = operatorsSchema.safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `OPERATORS_FILE: ${path.join('.')} ${message}`);
    throw new ConfigError(problems);
  }
  return parsed.data.map(({ name, password, scopes }) => ({
    name,
    scopes,
    isPassword: (candidate) => verifyPassword(candidate, password),
  }));
}

/** Hashed, because the comparison needs equal lengths and must not reveal the password's length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
