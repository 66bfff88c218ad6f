/**
 * Writes a time for people.
 *
 * @param seconds Seconds.
 * @returns Such as `1 h 23 min`, `4 min 5 s` or `6 s`, rounded up.
 */
export function formatTime(seconds: number): string {
  const s = Math.ceil(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}
