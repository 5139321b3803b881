import type { SessionInfo } from '../../src/session-store.ts';

export const now = 1_700_000_000_000;
export const minute = 60_000;
export const hour = 60 * minute;

export function sessionInfo(changes: Partial<SessionInfo> = {}): SessionInfo {
  return {
    suite: 'X25519',
    kid: 'kid',
    client: undefined,
    expires: now + 24 * hour,
    idle: hour,
    ...changes,
  };
}
