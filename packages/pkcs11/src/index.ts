export type { KemPrivateKey } from '@sealwire/core';
export type { KeyName } from './kem-objects.ts';
export { openToken } from './open-token.ts';
export type { TokenOptions } from './options.ts';
export type { Pin } from './pins.ts';
export type { Token } from './token.ts';
