/** The lengths of days and hours, for settings in these units. */
export const secondsPerDay = 86_400;
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
