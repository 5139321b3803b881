import {
  encodeBase64Url,
  formatSealwireHeader,
  maxHeaderMessage,
  messageType,
  outerMethod,
  SealwireError,
} from '@sealwire/core';
import { type Body, bodyLength, isLong, streamOf } from './body.ts';
import type { PlatformInit } from './options.ts';
import type { Plan } from './plan.ts';
import { sendsStreams } from './platform.ts';
import { type SealedMessage, sealHead, sealStream, sealWhole } from './seal-message.ts';
import type { LiveSession } from './session.ts';

/**
 * Seals a plan for the platform's fetch; the nonce is the message's.
 * @param loaded is told how many bytes of the body were handed to the network
 */
export async function sealRequest(
  session: LiveSession,
  n: number,
  head: Uint8Array,
  plan: Plan,
  outerFields: [string, string][],
  loaded: (bytes: number) => void,
): Promise<{ nonce: Uint8Array; init: PlatformInit }> {
  const { signal, watch } = plan;
  const body = outgoing(plan, session);
  const init: PlatformInit = {
    ...plan.platform,
    method: outerMethod(plan.method),
    cache: 'no-store',
    redirect: 'manual',
    ...(signal && { signal }),
  };
  let h: string | undefined;
  let sealed: SealedMessage<BodyInit>;
  if (body.kind === 'none') {
    sealed = await sealHead(session, n, head);
    h = encodeBase64Url(sealed.message as Uint8Array);
    if (h.length > maxHeaderMessage) throw new SealwireError('head-too-large');
  } else if (body.kind === 'stream') {
    let sent = 0;
    sealed = await sealStream(session, n, head, body, (length) => {
      sent += length;
      // Of others it is known how long they are.
      if (plan.body.kind === 'stream') watch?.uploaded(length);
      loaded(sent);
    });
    init.duplex = 'half';
  } else {
    sealed = await sealWhole(session, n, head, body, signal);
    const length = bodyLength(body) ?? 0;
    if (plan.onUploadProgress) init.onSent = (share) => loaded(Math.floor(share * length));
  }
  const headers: [string, string][] = [
    ...outerFields,
    ['sealwire', formatSealwireHeader({ sid: session.sid, n, h })],
  ];
  if (h === undefined) {
    headers.push(['content-type', messageType]);
    init.body = sealed.message;
  }
  return { nonce: sealed.nonce, init: { ...init, headers } };
}

/**
 * The body as it goes out. Platforms tell the progress of streams only, so that a long one whose progress is asked for
 * becomes a stream, anew each time that it is sent.
 */
function outgoing({ body, onUploadProgress }: Plan, { handshakeUrl }: LiveSession): Body {
  if (onUploadProgress === undefined || (body.kind !== 'bytes' && body.kind !== 'blob')) return body;
  return isLong(body) && sendsStreams(handshakeUrl) ? streamOf(body) : body;
}
