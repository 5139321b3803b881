import type { Maybe } from './primitives.ts';

/**
 * What `ask` answers, if it does within `limit` milliseconds; later it is not listened to.
 * @throws what `ask` throws; an Error with the name `TimeoutError` when the time is over
 */
export async function withinLimit<T>(ask: () => Maybe<T>, limit: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const late = new Error('It took too long.');
      late.name = 'TimeoutError';
      reject(late);
    }, limit);
  });
  try {
    return await Promise.race([ask(), over]);
  } finally {
    clearTimeout(timer);
  }
}
