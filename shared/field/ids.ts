/** Identifiers. Branded, so that the compiler distinguishes the id of a field from that of a device. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Identifies a field: one shared state that many devices read and change. */
export type FieldId = Branded<'FieldId'>;
/** Identifies a device: one installation of a client. */
export type DeviceId = Branded<'DeviceId'>;

export const fieldIdPattern = /^[a-z0-9][a-z0-9_-]{0,63}$/;
export const fieldIdRule = 'must be 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit';
export const deviceIdPattern = /^[A-Za-z0-9._:-]{1,64}$/;
export const deviceIdRule = 'must be 1 to 64 of A-Z, a-z, 0-9, . _ : and -, and not __proto__';

export function isFieldId(text: string): text is FieldId {
  return fieldIdPattern.test(text);
}

/** `__proto__` is excluded because a device id is a key of a JSON object, where parsers reject or drop that name. */
export function isDeviceId(text: string): text is DeviceId {
  return deviceIdPattern.test(text) && text !== '__proto__';
}

/** Identifies the field that every installation has. */
export const globalField = 'global' as FieldId;
