export { type KmsKemKey, kmsKemKey } from './kem-key.ts';
export type { KmsOptions } from './options.ts';
export { kmsUnwrap, kmsWrap, type WrappingOptions } from './wrapped-bundle.ts';
