export { isSealwireError, SealwireError } from '@sealwire/core';
export type { TestedApp } from './app-server.ts';
export { type SealedAgentOptions, sealedAgent } from './sealed-agent.ts';
