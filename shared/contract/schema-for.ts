/** Checks schemas against types that are declared elsewhere: a difference in either direction is a compile error. */
import type { z } from 'zod';

type Immutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Immutable<Item>[]
    : { readonly [Key in keyof T]: Immutable<T[Key]> };

/** `unknown`, which changes nothing in an intersection, if the types are mutually assignable, and else `never`. */
type IfMutuallyAssignable<A, B> = [A] extends [B] ? ([B] extends [A] ? unknown : never) : never;

/**
 * Returns the schema, and compiles only if its output is exactly `T`, apart from `readonly`.
 * The types of `shared/field` are written by hand, since that folder uses no package.
 */
export function schemaFor<T>() {
  return <Output extends T, Input>(
    schema: z.ZodType<Output, Input> & IfMutuallyAssignable<Immutable<Output>, Immutable<T>>,
  ): z.ZodType<T, Immutable<Input>> => schema as z.ZodType<T, Immutable<Input>>;
}
