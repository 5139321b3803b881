import {
  type ErrorCode,
  encodeRequestHead,
  FieldSet,
  messageType,
  type ResponseHead,
  repeatField,
  repeatValue,
  responseKeys,
} from '@sealwire/core';
import { bodyLength } from './body.ts';
import { MessageReader } from './open-message.ts';
import type { ClientSettings } from './options.ts';
import { type Hint, mediaType, plaintextAnswer, readHint } from './outer-response.ts';
import { type Plan, splitFields } from './plan.ts';
import { sealRequest } from './seal-request.ts';
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
    const loaded = uploadProgress(plan);
    const { nonce, init } = await sealRequest(session, n, head, plan, outerFields, loaded);
    plan.watch?.sent(n, plan, init);
    const outer = await settings.fetch(plan.url.href, init);
    const sent = { session, n, at };
    return await open(sent, nonce, plan, outer, loaded);
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

/** Tells how much of the body of a plan is on its way, each time that it is more. */
function uploadProgress({ body, onUploadProgress }: Plan): (loaded: number) => void {
  const total = bodyLength(body);
  let last = 0;
  return (loaded) => {
    if (loaded <= last) return;
    last = loaded;
    onUploadProgress?.({ loaded, total });
  };
}

async function open(
  sent: Sent,
  nonceQ: Uint8Array,
  plan: Plan,
  outer: Response,
  loaded: (bytes: number) => void,
): Promise<Outcome> {
  const { session, n } = sent;
  if (mediaType(outer) !== messageType || outer.body === null) {
    const hint = await readHint(outer);
    if (hint === undefined) throw plaintextAnswer(outer);
    return { kind: 'hint', hint, outer, sent };
  }
  // The server has all of it, whatever the platform told of that.
  loaded(bodyLength(plan.body) ?? 0);
  const reader = outer.body.getReader();
  const message = new MessageReader(plan.watch?.reader(reader) ?? reader);
  const head = await message.head(
    (nonceP) => responseKeys(session.master, n, nonceQ, nonceP),
    plan.method === 'HEAD',
  );
  plan.watch?.head(head, outer, message);
  // The server's own word inside the seal; what applications say under this name is left out there.
  const code = head.fields.find(([name]) => name === 'sealwire')?.[1];
  if (code === undefined) return { kind: 'answer', head, message, outer };
  return { kind: 'problem', code: code as ErrorCode, problem: await readProblem(message) };
}

/** The members of a problem; none of a body that is something else: the code says enough. */
async function readProblem(message: MessageReader): Promise<Record<string, unknown>> {
  let text = '';
  const decoder = new TextDecoder();
  for (let bytes = await message.body(); bytes !== undefined; bytes = await message.body()) {
    text += decoder.decode(bytes, { stream: true });
  }
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}
