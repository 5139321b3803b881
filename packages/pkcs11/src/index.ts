export type { KemPrivateKey } from '@sealwire/core';
