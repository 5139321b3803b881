import { usage } from './failure.ts';

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** Milliseconds of `30d`, `25h`, `10m` or `90s`. @throws Failure */
export function durationOf(flag: string, text: string): number {
  const [, number, unit] = text.match(/^(\d{1,9})([dhms])$/) ?? [];
  if (number === undefined) throw usage(`--${flag} takes a time like 30d, 25h, 10m or 90s, not ${text}.`);
  return Number(number) * units[unit as keyof typeof units];
}

/** `27 d`, `3 h`, `20 min`, `5 s`, of milliseconds. */
export function roughly(duration: number): string {
  const seconds = Math.round(Math.abs(duration) / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `2026-11-21T08:15:00Z`; `never` for a time that no calendar has. */
export function moment(time: number): string {
  if (Number.isNaN(new Date(time).getTime())) return 'never';
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
