import type { IncomingMessage } from 'node:http';

/**
 * The body of a message as a stream that takes from it only what is asked for. One that was cut off fails: Node closes
 * such a message without an `end`.
 * @param cancelled what becomes of the message when the reader wants no more
 * @param reason why the message was cut off, if it was the reader's own doing
 */
export function bodyStream(
  message: IncomingMessage,
  cancelled: (message: IncomingMessage) => void,
  reason: () => unknown = () => undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let over = false;
  let failure: Error | undefined;
  message.pause();
  return new ReadableStream(
    {
      start(controller) {
        message.on('data', (chunk: Uint8Array<ArrayBuffer>) => {
          message.pause();
          controller.enqueue(chunk);
        });
        message.on('end', () => {
          if (over) return;
          over = true;
          controller.close();
        });
        message.on('error', (error) => {
          failure = error;
        });
        message.on('close', () => {
          if (!over) controller.error(reason() ?? new TypeError('terminated', { cause: failure }));
        });
      },
      pull() {
        message.resume();
      },
      cancel() {
        over = true;
        message.removeAllListeners('data');
        cancelled(message);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Reads away what is left of a message, so that the next one on its connection can come. */
export function discard(message: IncomingMessage): void {
  message.removeAllListeners('data').resume();
}
