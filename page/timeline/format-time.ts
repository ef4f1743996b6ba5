/** Formats moments of the log in the user's time zone. */

const timeFormat = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dateFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const units = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const;

/** `14:20:05`, and with the date if it was on another day. @param now without it, always with the date */
export function formatMoment(time: number, now?: number): string {
  const isToday = now !== undefined && dateFormat.format(time) === dateFormat.format(now);
  return isToday ? timeFormat.format(time) : `${dateFormat.format(time)}, ${timeFormat.format(time)}`;
}

/** `10 minutes ago` */
export function formatAge(time: number, now: number): string {
  const age = now - time;
  for (const [ms, unit] of units) {
    const count = Math.floor(age / ms);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return age < 10_000 ? 'just now' : `${Math.floor(age / 1000)} seconds ago`;
}
