/** The claims of a token and what they authorize. */
import { z } from 'zod';
import type { FieldId } from '../field/ids.ts';
import { deviceIdSchema } from './ids.ts';

export const operatorScopes = ['metrics:read', 'changes:read', 'board:read', 'board:write', 'admin'] as const;
export type OperatorScope = (typeof operatorScopes)[number];
export const scopes = ['field:read', 'field:write', ...operatorScopes] as const;
export type Scope = (typeof scopes)[number];

/** An exact field id, a pattern such as `team-*`, or `*`. */
export const fieldPatternSchema = z.string().regex(/^(\*|[a-z0-9][a-z0-9_-]{0,63}\*?)$/);

const controlCharacter = /\p{Cc}/u;

/** The user's id. Without control characters, since it is written to the field's log and to log lines. */
const userSchema = z
  .string()
  .min(1)
  .max(256)
  .refine(
    (user) => user.isWellFormed() && !controlCharacter.test(user),
    'contains a control character or a lone surrogate',
  );

/** The claims that this service reads; others are ignored. `scope` is a list, or one string with spaces. */
export const claimsSchema = z.object({
  sub: userSchema,
  device: deviceIdSchema.optional(),
  fields: z.array(fieldPatternSchema).max(1000).default([]),
  scope: z
    .union([z.string(), z.array(z.string())])
    .transform((scope) => (typeof scope === 'string' ? scope.split(' ') : scope)),
  exp: z.number(),
  iat: z.number().optional(),
  jti: z.string().min(1).max(256).optional(),
  /** When the device registered, in seconds since the epoch; only in tokens that registration issued, which can be renewed. */
  registered: z.number().optional(),
  /** Only in a viewer's token: the token that it was made from, whose revocation also revokes it. */
  viewer: z
    .object({ device: deviceIdSchema.optional(), jti: z.string().optional(), iat: z.number().optional() })
    .optional(),
});
export type Claims = z.infer<typeof claimsSchema>;

export function hasScope(claims: Claims, scope: Scope): boolean {
  return claims.scope.includes(scope);
}

export function coversField(claims: Claims, field: FieldId): boolean {
  return findPattern(claims, field) !== undefined;
}

/** The first field pattern of a token that matches the field; undefined if none does. */
export function findPattern({ fields }: Claims, field: FieldId): string | undefined {
  return fields.find((pattern) => matchesField(pattern, field));
}

export function matchesField(pattern: string, field: FieldId): boolean {
  return pattern.endsWith('*') ? field.startsWith(pattern.slice(0, -1)) : field === pattern;
}
