import { type MessagePort, parentPort } from 'node:worker_threads';
import { answerCode } from './cryptoki.ts';
import { TokenFailure } from './failure.ts';
import type { Answer, Question } from './thread.ts';
import { TokenSession } from './token-session.ts';

// The thread of one session. pkcs11js blocks while the token works, and what it can do without blocking would take
// threads of libuv, which the file system and DNS of the whole process need.

const port = parentPort as MessagePort;
const session = new TokenSession();

port.on('message', ({ method, args }: Question) => {
  const answer = answerTo(method, args);
  port.postMessage(answer);
  // The message was a copy.
  if (answer.value instanceof Uint8Array) answer.value.fill(0);
});

function answerTo(method: Question['method'], args: Question['args']): Answer {
  try {
    const call = session[method] as (...args: unknown[]) => unknown;
    return { value: call.apply(session, [...args]) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function failureOf(error: unknown): { reason: string; message: string } {
  if (error instanceof TokenFailure) return { reason: error.reason, message: error.message };
  const code = answerCode(error);
  if (code !== undefined) return { reason: code, message: `The token answered ${code}.` };
  return { reason: 'failed', message: (error as Error).message };
}
