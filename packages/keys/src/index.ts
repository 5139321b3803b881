export type { AccessPolicy } from './access-policy.ts';
export {
  type BundleOptions,
  exportBundle,
  openBundle,
  openWrappedBundle,
  type UnwrapOptions,
  type WrapOptions,
  wrapBundle,
} from './bundle.ts';
export type { NextStep } from './due.ts';
export { passphraseFromEnvironment, storageFromEnvironment } from './environment.ts';
export { type ImportedKey, importKeyFile } from './import-key-file.ts';
export { createKeyDirectory, type KeyDirectoryOptions, openKeyDirectory } from './key-directory.ts';
export { symmetricKeyId } from './key-id.ts';
export type { ExportedKey, KeyToAdd, PublicKeyInfo } from './key-info.ts';
export type { ImportedPair } from './key-material.ts';
export { KeyRing } from './key-ring.ts';
export { memoryStorage } from './memory-storage.ts';
export type { CommonAlgorithm } from './private-key-info.ts';
export type { KeyRingOptions, NewKeyRingOptions } from './ring-options.ts';
export type { RotationPolicy } from './rotation-policy.ts';
export type {
  KeyAlgorithm,
  KeyEntry,
  KeyStatus,
  KeyStorage,
  RingChange,
  RingState,
} from './storage.ts';
export type { SymmetricKey, SymmetricPurpose } from './usable-keys.ts';
