/** The colors that a user can choose; the style sheet has a value `--person-<name>` for each in either theme. */
export const colors = ['amber', 'coral', 'rose', 'violet', 'blue', 'teal', 'green', 'slate'] as const;
export type Color = (typeof colors)[number];

/** The color of a device or a field for which none was chosen: the same on every page. */
export function colorOf(id: string): Color {
  const sum = [...id].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0);
  return colors[sum % colors.length] ?? 'slate';
}

export function isColor(value: unknown): value is Color {
  return colors.includes(value as Color);
}
