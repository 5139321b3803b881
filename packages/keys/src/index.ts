export type { AccessPolicy } from './access-policy.ts';
export type { ExportedKey, KeyToAdd, PublicKeyInfo } from './key-info.ts';
export type { ImportedPair } from './key-material.ts';
export { KeyRing } from './key-ring.ts';
export { memoryStorage } from './memory-storage.ts';
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
