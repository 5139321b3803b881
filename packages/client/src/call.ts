import {
  type ErrorCode,
  isSafeMethod,
  isSealwireError,
  maxResends,
  SealwireError,
  textOf,
} from '@sealwire/core';
import { unlessAborted } from './abort.ts';
import { attempt, type Outcome, type Sent } from './attempt.ts';
import type { ClientSettings } from './options.ts';
import { plaintextAnswer } from './outer-response.ts';
import type { Plan } from './plan.ts';
import type { LiveSession } from './session.ts';
import type { SessionManager } from './session-manager.ts';

export type Answer = Extract<Outcome, { kind: 'answer' }>;

/**
 * Sends a plan until the server itself answered: with the application's response, or with a refusal that is thrown.
 * @throws SealwireError; the platform's errors as they are
 */
export async function call(settings: ClientSettings, sessions: SessionManager, plan: Plan): Promise<Answer> {
  const seen = new Set<ErrorCode>();
  /** Attempts that may still be executed: somebody may hold them back. */
  let earlier: Sent[] = [];
  for (let resends = 0; ; resends++) {
    const { outcome, session } = await sendOnce(settings, sessions, plan, earlier);
    if (outcome.kind === 'answer') return outcome;
    const code = outcome.kind === 'hint' ? outcome.hint.code : outcome.code;
    if (outcome.kind === 'hint') {
      earlier = [...earlier, outcome.sent];
    } else {
      afterProblem(outcome, sessions, session, plan);
      // The earlier attempts were burnt before the server said this, or do no harm; named, they would be in the way.
      earlier = [];
    }
    if (plan.body.kind === 'stream') throw notResendable(code, earlier.length > 0);
    // The server's own word is taken once for each reason: what did not help does not help the next time.
    if (seen.has(code) || resends === maxResends) throw endOf(code, plan);
    if (outcome.kind === 'problem') seen.add(code);
    plan.watch?.resent(code);
  }
}

/**
 * One attempt. Whatever keeps it from being answered says nothing of the earlier ones.
 * @throws SealwireError `outcome-unknown` with the cause, if one of them may have been executed
 */
async function sendOnce(
  settings: ClientSettings,
  sessions: SessionManager,
  plan: Plan,
  earlier: readonly Sent[],
): Promise<{ outcome: Outcome; session: LiveSession }> {
  try {
    const { session, n } = await nextExchange(sessions, plan);
    const outcome = await attempt(settings, session, n, plan, earlier);
    if (outcome.kind === 'hint') afterHint(outcome, sessions, plan);
    return { outcome, session };
  } catch (cause) {
    if (earlier.length === 0 || isSafeMethod(plan.method) || plan.signal?.aborted) throw cause;
    if (isSealwireError(cause, 'outcome-unknown')) throw cause;
    throw new SealwireError('outcome-unknown', because('unknown-session'), { cause });
  }
}

/**
 * A session and a number in it, which the attempt gives back. Others may have taken what was left of a session while
 * this call waited for it: then it waits for the next one.
 */
async function nextExchange(
  sessions: SessionManager,
  plan: Plan,
): Promise<{ session: LiveSession; n: number }> {
  for (;;) {
    const session = await unlessAborted(sessions.acquire(), plan.signal);
    const n = session.take();
    if (n !== undefined) return { session, n };
  }
}

/** Returns if the request may be sent again. A hint may be anyone's, so nothing else is believed of it. */
function afterHint(
  { hint, outer, sent }: Extract<Outcome, { kind: 'hint' }>,
  sessions: SessionManager,
  plan: Plan,
): void {
  const { code, retryAfter } = hint;
  if (code !== 'unknown-session' && code !== 'unavailable') throw plaintextAnswer(outer, hint);
  outer.body?.cancel().catch(() => {});
  if (code === 'unknown-session') {
    sessions.forget(sent.session);
    return;
  }
  if (!isSafeMethod(plan.method)) throw new SealwireError('outcome-unknown', because(code));
  throw Object.assign(new SealwireError(code), { retryAfter });
}

/** Returns if the request may be sent again: the server said inside the seal that it did not run. */
function afterProblem(
  { code, problem }: Extract<Outcome, { kind: 'problem' }>,
  sessions: SessionManager,
  session: LiveSession,
  plan: Plan,
): void {
  const { time } = problem;
  if (code === 'expired' && typeof time === 'number' && Number.isSafeInteger(time)) {
    // A clock is corrected forwards only: one that the server set back is learned by another handshake.
    if (time < session.serverTime()) sessions.forget(session);
    else session.correctTime(time);
    return;
  }
  if (code === 'replayed' && isSafeMethod(plan.method)) return;
  // Somebody on the way may have sent it twice, and the other copy may have run, or may yet.
  if ((code === 'replayed' || code === 'unavailable') && !isSafeMethod(plan.method)) {
    throw new SealwireError('outcome-unknown', because(code));
  }
  throw refusal(code, problem);
}

/** In the server's words where this client has none for the code. */
function refusal(code: ErrorCode, { title, detail }: Record<string, unknown>): SealwireError {
  return new SealwireError(code, [textOf(code) ? undefined : title, detail].filter(isText).join(' '));
}

const isText = (value: unknown) => typeof value === 'string';

/** @param mayHaveRun only anyone's word stands against it */
function notResendable(code: ErrorCode, mayHaveRun: boolean): SealwireError {
  const warning = mayHaveRun ? ' The request may have run, or may run yet.' : '';
  return new SealwireError('body-not-resendable', because(code) + warning);
}

/** The request was sent as often as it may be. */
function endOf(code: ErrorCode, plan: Plan): SealwireError {
  // A hint says nothing of what became of the request; whoever gave it may let it through later.
  if (code === 'unknown-session' && !isSafeMethod(plan.method)) {
    return new SealwireError('outcome-unknown', because(code));
  }
  return new SealwireError(code, 'It stayed so after the request was sent again.');
}

function because(code: ErrorCode): string {
  return `The server answered "${code}".`;
}
