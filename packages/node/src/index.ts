export { allowPlaintextRequest, allowsPlaintextRequest } from './allowed-plaintext.ts';
export type { FrameworkRequest, Next } from './exchange.ts';
export { createHandler, type Framework, type SealwireHandler } from './handler.ts';
export type { SealwireOptions } from './options.ts';
export { requireSealedRequest } from './require-sealed.ts';
export { Sealed } from './sealed.ts';
export { breakOff } from './stream-failure.ts';
