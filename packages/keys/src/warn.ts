import { isSealwireError } from '@sealwire/core';

/** Tells of something that failed where nobody waits for it; it will be tried again. Node prints it, and applications may listen. */
export function warn(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const code = isSealwireError(error) ? error.code : undefined;
  process.emitWarning(`Key ring: ${text}`, { type: 'SealwireWarning', ...(code !== undefined && { code }) });
}
