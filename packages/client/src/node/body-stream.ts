import type { IncomingMessage } from 'node:http';
import { SealwireError } from '@sealwire/core';

/**
 * The body of a message as a stream that takes from it only what is asked for. One that was cut off fails.
 * @param cancelled what becomes of the message when the reader wants no more: `destroy` ends its connection, `drop`
 *   reads the rest away, so that an answer to it can still be sent
 */
export function bodyStream(
  message: IncomingMessage,
  cancelled: 'destroy' | 'drop',
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks = message.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<
    Uint8Array<ArrayBuffer>
  >;
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next().catch((cause: Error) => {
          throw new TypeError('terminated', { cause });
        });
        if (!done) controller.enqueue(value);
        else if (message.complete) controller.close();
        else controller.error(new SealwireError('truncated'));
      },
      async cancel() {
        if (cancelled === 'destroy') {
          message.destroy();
          return;
        }
        await chunks.return?.();
        message.resume();
      },
    },
    { highWaterMark: 0 },
  );
}
