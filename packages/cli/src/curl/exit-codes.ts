import { type ErrorCode, isErrorCode } from '@sealwire/core';
import { Failure } from '../failure.ts';

/** What curl ends with in such a case; 56, a failure of what was received, is all else. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  'field-not-allowed': 2,
  'field-not-listed': 2,
  'head-too-large': 2,
  malformed: 3,
  truncated: 18,
  'handshake-failed': 35,
  'no-common-suite': 35,
  'too-many-handshakes': 35,
  'unknown-key': 35,
  'audience-mismatch': 60,
  'configuration-conflict': 60,
  'configuration-expired': 60,
  'configuration-invalid': 60,
  'configuration-outdated': 60,
  'identity-mismatch': 60,
  'body-not-resendable': 65,
};

/** What to do here beside what the problem says. */
const advice: Partial<Record<ErrorCode, string>> = {
  'field-not-listed': ' Here: --outer-fields NAME.',
  'identity-mismatch': ' The server prints its pin when it starts.',
};

/** The failure that a gateway's own problem stands for. */
export function problemFailure(
  code: string,
  text: string,
  cause: NodeJS.ErrnoException | undefined,
): Failure {
  if (code === 'server-unreachable') return new Failure(networkExit(cause), code, text);
  if (!isErrorCode(code)) return new Failure(56, code, text);
  return new Failure(exitCodes[code] ?? 56, code, text + (advice[code] ?? ''));
}

function networkExit(cause: NodeJS.ErrnoException | undefined): number {
  const code = cause?.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 6;
  if (/^E(?:CONNREFUSED|HOSTUNREACH|NETUNREACH|TIMEDOUT|ADDRNOTAVAIL)$/.test(code)) return 7;
  if (/CERT|SELF_SIGNED|ERR_TLS|UNABLE_TO/.test(code)) return 60;
  return code === 'ECONNRESET' ? 52 : 56;
}
