/** What a call that must fail throws. It stands alone, since it runs in pages, too. */
export async function errorOf<T>(promise: Promise<unknown>): Promise<T> {
  const result = await promise.then(
    () => undefined,
    (error) => ({ error }),
  );
  if (result === undefined) throw new Error('nothing was thrown');
  return result.error as T;
}
