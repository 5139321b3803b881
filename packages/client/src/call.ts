import { type ErrorCode, isSafeMethod, isSealwireError, maxResends, SealwireError } from '@sealwire/core';
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
    const { session, n } = await nextExchange(sessions, plan, earlier);
    const outcome = await attempt(settings, session, n, plan, earlier);
    if (outcome.kind === 'answer') return outcome;
    const code = outcome.kind === 'hint' ? outcome.hint.code : outcome.code;
    if (outcome.kind === 'hint') {
      afterHint(outcome, sessions, plan);
      earlier = [...earlier, outcome.sent];
    } else {
      afterProblem(outcome, session, plan);
      // Only what is safe goes on, so a copy that was executed does no harm; named, it would be refused for ever.
      if (code === 'replayed') earlier = [];
    }
    if (plan.body.kind === 'stream') throw new SealwireError('body-not-resendable', because(code));
    // The server's own word is taken once for each reason: what did not help does not help the next time.
    if (seen.has(code) || resends === maxResends) throw endOf(code, plan);
    if (outcome.kind === 'problem') seen.add(code);
  }
}

/**
 * A session and a number in it, which the attempt gives back. Others may have taken what was left of a session while
 * this call waited for it: then it waits for the next one.
 * @throws SealwireError `outcome-unknown` if none can be had to ask what became of the earlier attempts
 */
async function nextExchange(
  sessions: SessionManager,
  plan: Plan,
  earlier: readonly Sent[],
): Promise<{ session: LiveSession; n: number }> {
  try {
    for (;;) {
      const session = await unlessAborted(sessions.acquire(), plan.signal);
      const n = session.take();
      if (n !== undefined) return { session, n };
    }
  } catch (cause) {
    if (earlier.length === 0 || isSafeMethod(plan.method) || !isSealwireError(cause)) throw cause;
    throw new SealwireError('outcome-unknown', because('unknown-session'), { cause });
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
  session: LiveSession,
  plan: Plan,
): void {
  if (code === 'expired' && typeof problem.time === 'number') {
    session.correctTime(problem.time);
    return;
  }
  if (code === 'replayed') {
    // Somebody on the way sent it twice, and the other copy came first.
    if (isSafeMethod(plan.method)) return;
    throw new SealwireError('outcome-unknown', because(code));
  }
  throw new SealwireError(code, typeof problem.detail === 'string' ? problem.detail : undefined);
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
