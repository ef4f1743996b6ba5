/** Checks of untrusted values: arguments from an app, and values from a storage. */
export type Check = (value: unknown) => boolean;

export const isNumber = (value: unknown): value is number => Number.isFinite(value);
export const isUnit: Check = (value) => isNumber(value) && value >= 0 && value <= 1;
export const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
export const isString = (value: unknown): value is string => typeof value === 'string';
export const isBoolean: Check = (value) => typeof value === 'boolean';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** An object whose values, whatever their keys, pass the check. */
export const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

/** An object that has these properties; it may have others. */
export const shape = (properties: Readonly<Record<string, Check>>): Check => {
  const checks = Object.entries(properties);
  return (value) => isObject(value) && checks.every(([key, check]) => check(value[key]));
};

export const isVector = shape({ x: isNumber, y: isNumber, z: isNumber });
