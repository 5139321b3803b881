/** What a reader reads and an iterator gives. */
interface Next<T> {
  readonly done?: boolean | undefined;
  readonly value?: T | undefined;
}

/**
 * A stream that is read as it is asked for, and keeps nothing in store.
 * @param type `bytes` for one that readers with buffers of their own can read, where the platform has such (Safari since
 * 26.4); it takes the memory of what it is given
 */
export function pulled<T>(
  next: () => Promise<Next<T>>,
  cancel: (reason: unknown) => unknown,
  type?: 'bytes',
): ReadableStream<T> {
  const source = {
    async pull(controller: ReadableStreamController<T>) {
      const { done, value } = await next();
      if (!done) {
        controller.enqueue(value as T & ArrayBufferView<ArrayBuffer>);
        return;
      }
      controller.close();
      // A pending read of a reader with a buffer of its own has to be answered, too.
      if ('byobRequest' in controller) controller.byobRequest?.respond(0);
    },
    cancel,
    ...(type && 'ReadableByteStreamController' in globalThis && { type }),
  };
  return new ReadableStream(source as UnderlyingSource<T>, { highWaterMark: 0 });
}
