/** How long a client waits for a configuration or the answer to a handshake, body and all, in milliseconds. */
export const answerLimit = 15_000;

/**
 * What is asked of the network, if it comes in time. After that it is aborted, and no longer waited for even if the
 * fetch that the application gave knows nothing of signals. What was answered in time is not aborted later.
 * @throws what `overdue` makes of the cause
 */
export async function inTime<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  overdue: (cause: Error) => Error,
): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const cause = new Error(`There was no answer within ${answerLimit / 1000} s.`);
      cause.name = 'TimeoutError';
      reject(overdue(cause));
      controller.abort(cause);
    }, answerLimit);
  });
  try {
    return await Promise.race([limit, ask(controller.signal)]);
  } finally {
    clearTimeout(timer);
  }
}
