export { type ErrorCode, isSealwireError, SealwireError } from '@sealwire/core';
export { registerSealedWorker, type SealedWorkerOptions } from './register.ts';
export { type SealRequestsOptions, sealRequests } from './seal-requests.ts';
