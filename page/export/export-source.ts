/** The input of exports. */
export interface ExportSource {
  readonly field: string;
  /** The canvases from the lowest to the highest. */
  readonly layers: readonly HTMLCanvasElement[];
  /** The version that is shown, and whether it is an earlier one. */
  readonly shown: () => { readonly version: number; readonly isPast: boolean; readonly time: number };
  /** A GET request for a resource of the field. */
  readonly read: <Answer>(path: string) => Promise<Answer>;
}
