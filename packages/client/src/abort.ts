/**
 * The value, unless the signal aborts before it is there. What is waited for goes on for others that wait for it, and
 * who gave up does not hear of its failure.
 */
export function unlessAborted<T>(value: T | Promise<T>, signal: AbortSignal | undefined): T | Promise<T> {
  if (signal === undefined) return value;
  if (value instanceof Promise) value.catch(() => {});
  signal.throwIfAborted();
  if (!(value instanceof Promise)) return value;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
