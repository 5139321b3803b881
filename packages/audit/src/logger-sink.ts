import type { AuditEvent, AuditSink } from '@sealwire/core';
import { invalid } from './invalid.ts';

/** What pino has, and loggers shaped like it. */
export interface Logger {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

/** Logs every event as `audit`, with its type as the message: what was refused or lost as a warning. @throws SealwireError `invalid-option` */
export function loggerSink(logger: Logger): AuditSink {
  if (typeof logger?.info !== 'function' || typeof logger.warn !== 'function')
    throw invalid('The argument is a logger with info() and warn(), as pino is.');
  return {
    record(event) {
      // In a member of its own: pino writes a `time` itself.
      if (isWarning(event)) logger.warn({ audit: event }, event.type);
      else logger.info({ audit: event }, event.type);
    },
  };
}

function isWarning({ type }: AuditEvent): boolean {
  return /\.(?:rejected|denied|disabled|suppressed|lost)$/.test(type);
}
