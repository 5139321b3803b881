import {
  type ErrorCode,
  encodeBase64Url,
  encodeRequestHead,
  FieldSet,
  formatSealwireHeader,
  isErrorCode,
  maxHeaderMessage,
  messageType,
  outerMethod,
  type ResponseHead,
  repeatField,
  repeatValue,
  responseKeys,
  SealwireError,
} from '@sealwire/core';
import { bodyLength } from './body.ts';
import { MessageReader } from './open-message.ts';
import type { ClientSettings } from './options.ts';
import { type Hint, mediaType, plaintextAnswer, readHint } from './outer-response.ts';
import { type Plan, splitFields } from './plan.ts';
import { type SealedMessage, sealHead, sealStream, sealWhole } from './seal-message.ts';
import type { LiveSession } from './session.ts';

/** How one sending of a request ended. */
export type Outcome =
  | {
      readonly kind: 'answer';
      readonly head: ResponseHead;
      readonly message: MessageReader;
      readonly outer: Response;
    }
  /** Authenticated: the server itself refused. */
  | { readonly kind: 'problem'; readonly code: ErrorCode; readonly problem: Record<string, unknown> }
  /** Plaintext, so from anyone: what became of the request is not known. */
  | { readonly kind: 'hint'; readonly hint: Hint; readonly outer: Response; readonly sent: Sent };

/** A request that was sent, as a later one names it. */
export interface Sent {
  readonly session: LiveSession;
  readonly n: number;
  /** Server time at which it was sent, as the client knows it, in milliseconds. */
  readonly at: number;
}

/**
 * Sends a plan once, sealed under a number that was taken of a session, and opens the head of what comes back. Names the earlier
 * attempts at it, so that none of them is executed besides.
 * @throws SealwireError; the platform's errors as they are
 */
export async function attempt(
  settings: ClientSettings,
  session: LiveSession,
  n: number,
  plan: Plan,
  earlier: readonly Sent[],
): Promise<Outcome> {
  // From here to the platform's fetch there is nothing but sealing.
  const at = session.serverTime();
  try {
    const { sealed, outer: outerFields } = splitFields(
      plan,
      session.sealedFields,
      new FieldSet(settings.outerFields),
    );
    const repeats = await Promise.all(earlier.map((sent) => repeatOf(sent, earlier, session, n)));
    const head = encodeRequestHead({
      method: plan.method,
      scheme: plan.url.protocol.slice(0, -1),
      authority: plan.url.host,
      path: requestTarget(plan.url),
      fields: [...sealed, ['sealwire-time', String(at)], ...repeats],
    });
    const { nonce, init } = await seal(session, n, head, plan, outerFields);
    plan.watch?.sent(n, plan, init);
    const outer = await settings.fetch(plan.url.href, init);
    const sent = { session, n, at };
    return await open(sent, nonce, plan, outer);
  } finally {
    session.answered(n);
  }
}

/** Path and query as they are serialised: of an empty query, `search` would lose the mark that platforms send. */
function requestTarget({ href }: URL): string {
  const [withoutFragment = href] = href.split('#', 1);
  return withoutFragment.slice(withoutFragment.indexOf('/', withoutFragment.indexOf('//') + 2));
}

async function repeatOf(
  sent: Sent,
  [first = sent]: readonly Sent[],
  session: LiveSession,
  n: number,
): Promise<[string, string]> {
  const { sid } = sent.session;
  const key = await sent.session.repeatKey();
  return [repeatField, await repeatValue(key, { sid, n: sent.n }, first.at, { sid: session.sid, n })];
}

async function seal(
  session: LiveSession,
  n: number,
  head: Uint8Array,
  plan: Plan,
  outerFields: [string, string][],
): Promise<{ nonce: Uint8Array; init: RequestInit }> {
  const init: RequestInit & { duplex?: 'half' } = {
    ...plan.platform,
    method: outerMethod(plan.method),
    cache: 'no-store',
    redirect: 'manual',
    ...(plan.signal && { signal: plan.signal }),
  };
  let h: string | undefined;
  let sealed: SealedMessage<BodyInit | null>;
  if (plan.body.kind === 'none') {
    const { nonce, message } = await sealHead(session, n, head);
    h = encodeBase64Url(message);
    if (h.length > maxHeaderMessage) throw new SealwireError('head-too-large');
    sealed = { nonce, message: null };
  } else if (plan.body.kind === 'stream') {
    let loaded = 0;
    init.duplex = 'half';
    sealed = await sealStream(session, n, head, plan.body, (length) => {
      loaded += length;
      plan.watch?.uploaded(length);
      plan.onUploadProgress?.({ loaded, total: undefined });
    });
  } else {
    sealed = await sealWhole(session, n, head, plan.body);
  }
  const headers: [string, string][] = [
    ...outerFields,
    ['sealwire', formatSealwireHeader({ sid: session.sid, n, h })],
  ];
  if (sealed.message !== null) {
    headers.push(['content-type', messageType]);
    init.body = sealed.message;
  }
  return { nonce: sealed.nonce, init: { ...init, headers } };
}

async function open(sent: Sent, nonceQ: Uint8Array, plan: Plan, outer: Response): Promise<Outcome> {
  const { session, n } = sent;
  if (mediaType(outer) !== messageType || outer.body === null) {
    const hint = await readHint(outer);
    if (hint === undefined) throw plaintextAnswer(outer);
    return { kind: 'hint', hint, outer, sent };
  }
  const total = bodyLength(plan.body);
  if (total !== undefined && total > 0) plan.onUploadProgress?.({ loaded: total, total });
  const reader = outer.body.getReader();
  const message = new MessageReader(plan.watch?.reader(reader) ?? reader);
  const head = await message.head(
    (nonceP) => responseKeys(session.master, n, nonceQ, nonceP),
    plan.method === 'HEAD',
  );
  plan.watch?.head(head, outer, message);
  // The server's own word inside the seal; what applications say under this name is left out there.
  const code = head.fields.find(([name]) => name === 'sealwire')?.[1];
  if (!isErrorCode(code)) return { kind: 'answer', head, message, outer };
  return { kind: 'problem', code, problem: await readProblem(message) };
}

async function readProblem(message: MessageReader): Promise<Record<string, unknown>> {
  let text = '';
  const decoder = new TextDecoder();
  for (let bytes = await message.body(); bytes !== undefined; bytes = await message.body()) {
    text += decoder.decode(bytes, { stream: true });
  }
  return JSON.parse(text) as Record<string, unknown>;
}
