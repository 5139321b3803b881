export type { ServerKeys } from '@sealwire/core';
