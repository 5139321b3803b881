import { type ErrorCode, SealwireError } from '@sealwire/core';
import { unlessAborted } from './abort.ts';
import { attempt, type Outcome } from './attempt.ts';
import type { ClientSettings } from './options.ts';
import { plaintextAnswer } from './outer-response.ts';
import { isSafe, type Plan } from './plan.ts';
import type { LiveSession } from './session.ts';
import type { SessionManager } from './session-manager.ts';

/** A call is sent again at most this often without its caller. */
const maxResends = 2;

export type Answer = Extract<Outcome, { kind: 'answer' }>;

/**
 * Sends a plan until the server itself answered: with the application's response, or with a refusal that is thrown.
 * @throws SealwireError; the platform's errors as they are
 */
export async function call(settings: ClientSettings, sessions: SessionManager, plan: Plan): Promise<Answer> {
  const seen = new Set<ErrorCode>();
  for (let resends = 0; ; resends++) {
    const session = await unlessAborted(sessions.acquire(), plan.signal);
    const outcome = await attempt(settings, session, plan);
    if (outcome.kind === 'answer') return outcome;
    const code = outcome.kind === 'hint' ? outcome.hint.code : outcome.code;
    if (outcome.kind === 'hint') afterHint(outcome, sessions, session, plan);
    else afterProblem(outcome, session, plan);
    if (plan.body.kind === 'stream') throw new SealwireError('body-not-resendable', because(code));
    // The server's own word is taken once for each reason: what did not help does not help the next time.
    if (seen.has(code) || resends === maxResends) {
      throw new SealwireError(code, 'It stayed so after the request was sent again.');
    }
    if (outcome.kind === 'problem') seen.add(code);
  }
}

/** Returns if the request may be sent again. A hint may be anyone's: only what is safe is repeated on its word. */
function afterHint(
  { hint, outer }: Extract<Outcome, { kind: 'hint' }>,
  sessions: SessionManager,
  session: LiveSession,
  plan: Plan,
): void {
  const { code, retryAfter } = hint;
  if (code !== 'unknown-session' && code !== 'unavailable') throw plaintextAnswer(outer, hint);
  outer.body?.cancel().catch(() => {});
  if (code === 'unknown-session') sessions.forget(session);
  if (!isSafe(plan.method)) throw new SealwireError('outcome-unknown', because(code));
  if (code === 'unavailable') throw Object.assign(new SealwireError(code), { retryAfter });
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
    if (isSafe(plan.method)) return;
    throw new SealwireError('outcome-unknown', because(code));
  }
  throw new SealwireError(code, typeof problem.detail === 'string' ? problem.detail : undefined);
}

function because(code: ErrorCode): string {
  return `The server answered "${code}".`;
}
