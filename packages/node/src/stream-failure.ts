import type { IncomingMessage } from 'node:http';

/**
 * Fails the stream of a request without killing its socket, as `req.destroy(error)` would: the client can still be
 * answered. Consumers get `error`; those that ignore it never see a clean `end` of a body that is not whole.
 * @returns false if nobody listened
 */
export function failStream(req: IncomingMessage, error: Error): boolean {
  const endListeners = req.rawListeners('end') as ((...args: unknown[]) => void)[];
  req.unpipe();
  const heard = req.listenerCount('error') > 0;
  if (heard) req.emit('error', error);
  for (const listener of endListeners) req.removeListener('end', listener);
  return heard;
}
