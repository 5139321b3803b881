export {
  type BundleOptions,
  exportBundle,
  openBundle,
  openWrappedBundle,
  type UnwrapOptions,
  type WrapOptions,
  wrapBundle,
} from './bundle.ts';
export { passphraseFromEnvironment, storageFromEnvironment } from './environment.ts';
export { type ImportedKey, importKeyFile } from './import-key-file.ts';
export { createKeyDirectory, type KeyDirectoryOptions, openKeyDirectory } from './key-directory.ts';
export { symmetricKeyId } from './key-id.ts';
export type { CommonAlgorithm } from './private-key-info.ts';
export type {
  KeyAlgorithm,
  KeyEntry,
  KeyStatus,
  KeyStorage,
  RingChange,
  RingState,
} from './storage.ts';
