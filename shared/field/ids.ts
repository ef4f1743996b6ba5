/** The names of things. Branded, so that a field's id cannot be handed in where a device's is wanted. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** One shared state that many devices see and change. */
export type FieldId = Branded<'FieldId'>;
/** One installation of a client. */
export type DeviceId = Branded<'DeviceId'>;

export const fieldIdPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;
export const deviceIdPattern = /^[A-Za-z0-9._:-]{1,64}$/;

/** The field that always exists. */
export const globalField = 'global' as FieldId;
