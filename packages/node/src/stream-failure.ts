import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import { rejected } from '@sealwire/core';

/**
 * Fails the stream of a request without killing its socket, as `req.destroy(error)` would: the client can still be
 * answered. Consumers get `error`; those that ignore it never see a clean `end` of a body that is not whole.
 * @returns false if nobody listened
 */
export function failStream(req: IncomingMessage, res: ServerResponse, error: Error): boolean {
  const endListeners = req.rawListeners('end') as ((...args: unknown[]) => void)[];
  const { pipes } = (req as unknown as { _readableState: { pipes: readonly Writable[] } })._readableState;
  const destinations = [...pipes];
  req.unpipe();
  const heard = req.listenerCount('error') > 0;
  if (heard) req.emit('error', error);
  for (const listener of endListeners) req.removeListener('end', listener);
  return heard || failDestinations(destinations, res, error);
}

/** Fails those that the request was piped into and that are listened to: multer 1 knows no other way to give up. */
function failDestinations(destinations: readonly Writable[], res: ServerResponse, error: Error): boolean {
  const hearing = destinations.filter(
    (destination) => (destination as unknown) !== res && destination.listenerCount('error') > 0,
  );
  for (const destination of hearing) destination.destroy(error);
  return hearing.length > 0;
}

/**
 * Ends a response that is not whole so that nobody on its way takes it for whole; of one that was sent, what is still
 * to come of its request.
 */
export function breakOff(res: ServerResponse): void {
  const { req, stream } = res as ServerResponse & { stream?: ServerHttp2Stream };
  // Without an error, http2 makes an end of it, and a client that is still sending waits for ever.
  if (stream !== undefined) {
    stream.destroy(rejected());
  } else if (res.writableFinished) {
    // It has let go of its connection, over which the rest would come.
    req.socket?.destroy();
    req.destroy(rejected());
  } else {
    res.destroy();
  }
}
