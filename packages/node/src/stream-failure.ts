import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { rejected } from '@sealwire/core';

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

/** Ends a response that is not whole so that nobody on its way takes it for whole. */
export function breakOff(res: ServerResponse): void {
  const { stream } = res as ServerResponse & { stream?: ServerHttp2Stream };
  // Without an error, http2 makes an end of it, and a client that is still sending waits for ever.
  if (stream === undefined) res.destroy();
  else stream.destroy(rejected());
}
