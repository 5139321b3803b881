import type { Maybe } from './primitives.ts';

/**
 * What `ask` answers, if it does within `limit` milliseconds; later it is not listened to.
 * @throws what `ask` throws; an Error when the time is over
 */
export async function withinLimit<T>(ask: () => Maybe<T>, limit: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('It took too long.')), limit);
  });
  try {
    return await Promise.race([ask(), over]);
  } finally {
    clearTimeout(timer);
  }
}
