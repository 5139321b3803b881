import type { AuditEvent, AuditSink } from '@sealwire/core';

/** What pino has, and loggers shaped like it. */
export interface Logger {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

/** Logs every event as `audit`, with its type as the message: what was refused or lost as a warning. */
export function loggerSink(logger: Logger): AuditSink {
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
