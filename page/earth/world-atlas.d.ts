/** The form into which the bundler converts this file: see `api/page/land-outline.ts`. */
declare module 'world-atlas/land-110m.json' {
  /** Rings in tenths of a degree: the first point and then differences. */
  const outline: readonly (readonly number[])[];
  export default outline;
}
